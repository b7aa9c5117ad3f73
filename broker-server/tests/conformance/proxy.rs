//! A deliberately wrong broker: our own behind a proxy that spoils requests or answers.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A request on its way to the broker.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn is(&self, method: &str, part: &str) -> bool {
        self.method == method && self.target.contains(part)
    }

    /// Whether it is about an instance, not a binding or a poll.
    pub(crate) fn is_of_instance(&self, method: &str) -> bool {
        self.method == method
            && !self.target.contains("service_bindings")
            && !self.target.contains("last_operation")
    }

    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        if let Ok(mut body) = serde_json::from_slice(&self.body) {
            change(&mut body);
            self.body = body.to_string().into_bytes();
        }
    }
}

/// An answer on its way back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        if let Ok(mut body) = serde_json::from_slice(&self.body) {
            change(&mut body);
            self.body = body.to_string().into_bytes();
        }
    }

    pub(crate) fn header(&mut self, name: &str, value: Option<&str>) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }
}

/// What is wrong.
#[derive(Clone, Copy)]
pub(crate) struct Spoil {
    pub(crate) request: fn(&mut Request),
    /// The request as it was sent, the answer, and how many there were before.
    pub(crate) answer: fn(&Request, &mut Answer, usize),
}

/// Serves in front of the broker until it is dropped; the address.
pub(crate) async fn serve(behind: String, spoil: Spoil) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let client = reqwest::Client::builder().timeout(crate::runs::PATIENCE).build().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let (client, behind, count) = (client.clone(), behind.clone(), Arc::clone(&count));
            tokio::spawn(async move { handle(connection, (client, behind), (spoil, count)).await });
        }
    });
    address
}

async fn handle(
    mut connection: TcpStream,
    (client, behind): (reqwest::Client, String),
    (spoil, count): (Spoil, Arc<AtomicUsize>),
) -> Option<()> {
    let mut request = read(&mut connection).await?;
    (spoil.request)(&mut request);
    let method = reqwest::Method::from_bytes(request.method.as_bytes()).ok()?;
    let mut forwarded =
        client.request(method, format!("{behind}{}", request.target)).body(request.body.clone());
    for (name, value) in &request.headers {
        if !["host", "content-length", "connection"].contains(&name.to_ascii_lowercase().as_str()) {
            forwarded = forwarded.header(name, value);
        }
    }
    let response = forwarded.send().await.ok()?;
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers: Vec<_> = headers
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    let mut answer = Answer { status, headers, body: response.bytes().await.ok()?.to_vec() };
    for name in ["content-length", "transfer-encoding", "connection"] {
        answer.header(name, None);
    }
    (spoil.answer)(&request, &mut answer, count.fetch_add(1, Ordering::Relaxed));
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", answer.status);
    if answer.status != 304 {
        head.push_str(&format!("content-length: {}\r\n", answer.body.len()));
    }
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    connection.write_all(&[head.into_bytes(), answer.body].concat()).await.ok()?;
    connection.shutdown().await.ok()
}

async fn read(connection: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if connection.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if connection.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some(Request { method, target, headers, body })
}
