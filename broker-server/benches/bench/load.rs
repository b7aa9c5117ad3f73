//! A closed-loop load over keep-alive connections, and what it cost the server in processor time.

use std::io;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::server::{Caller, Server};

/// Makes the n-th request.
pub(crate) type Requests = Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>;

/// The same request every time.
pub(crate) fn always(request: Vec<u8>) -> Requests {
    Arc::new(move |_| request.clone())
}

/// What one burst came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Burst {
    /// Answers in a second.
    pub(crate) rate: f64,
    /// The server's processor time for one answer, in microseconds.
    pub(crate) cpu: f64,
    /// The time that half of the answers stayed under, in milliseconds.
    pub(crate) half: f64,
}

/// How a load is put on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Connections, each with one request at a time.
    pub(crate) connections: usize,
    /// For how long.
    pub(crate) span: Duration,
}

/// Puts the load on and counts complete answers. The counter numbers the requests, over several bursts.
pub(crate) async fn burst(
    server: &Server,
    load: Load,
    requests: &Requests,
    counter: &Arc<AtomicU64>,
) -> io::Result<Burst> {
    // connecting, and agreeing on keys, is no part of an answer
    let mut streams = Vec::with_capacity(load.connections);
    for _ in 0..load.connections {
        streams.push(connect(server.caller()).await?);
    }
    let before = processor_time(server.process)?;
    let started = Instant::now();
    let deadline = started + load.span;
    let tasks: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::spawn(connection(stream, requests.clone(), counter.clone(), deadline)))
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.map_err(io::Error::other)??);
    }
    let elapsed = started.elapsed().as_secs_f64();
    let cpu = processor_time(server.process)?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
    let count = times.len() as f64;
    Ok(Burst {
        rate: count / elapsed,
        cpu: cpu.as_secs_f64() * 1e6 / count.max(1.0),
        half: median(times) * 1e3,
    })
}

/// A connection, with or without TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn connect(caller: Caller) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(caller.address).await?;
    stream.set_nodelay(true)?;
    let Some(trust) = caller.trust else { return Ok(Box::new(stream)) };
    let name = "localhost".try_into().map_err(io::Error::other)?;
    Ok(Box::new(TlsConnector::from(trust).connect(name, stream).await?))
}

async fn connection(
    mut stream: Box<dyn Stream>,
    requests: Requests,
    counter: Arc<AtomicU64>,
    deadline: Instant,
) -> io::Result<Vec<f64>> {
    let mut buffer = vec![0_u8; 128 * 1024];
    let mut times = Vec::new();
    loop {
        let sent = Instant::now();
        if sent >= deadline {
            return Ok(times);
        }
        stream.write_all(&requests(counter.fetch_add(1, Ordering::Relaxed))).await?;
        read_answer(&mut stream, &mut buffer).await?;
        times.push(sent.elapsed().as_secs_f64());
    }
}

/// Reads one answer with a content length, and insists on 200 or 201.
async fn read_answer(stream: &mut Box<dyn Stream>, buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let Some(head) = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
        if !text.starts_with("http/1.1 200") && !text.starts_with("http/1.1 201") {
            return Err(io::Error::other(text));
        }
        let length: usize = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length:"))
            .and_then(|value| value.trim().parse().ok())
            .ok_or_else(|| io::Error::other("no content length"))?;
        let mut missing = (head + 4 + length).saturating_sub(filled);
        while missing > 0 {
            let room = missing.min(buffer.len());
            let read = stream.read(&mut buffer[..room]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            missing -= read;
        }
        return Ok(());
    }
}

/// User and system time of a process so far; the kernel counts in ticks of 10 ms.
pub(crate) fn processor_time(process: u32) -> io::Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Ok(Duration::from_millis((ticks(11) + ticks(12)) * 10))
}

/// Resident memory of a process now, in mebibytes.
pub(crate) fn resident(process: u32) -> io::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap_or_default();
    let kibibytes: f64 = line.split_whitespace().nth(1).and_then(|field| field.parse().ok()).unwrap_or(0.0);
    Ok(kibibytes / 1024.0)
}

/// The middle of some numbers.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}
