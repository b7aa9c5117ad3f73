//! A way to a name server that breaks when it is told to, by datagram and by connection.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    task::JoinHandle,
    time::timeout,
};

use crate::providers::contract::Fault;

/// Stands in front of a server.
#[derive(Debug)]
pub struct Way {
    address: SocketAddr,
    shared: Arc<Shared>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug)]
struct Shared {
    server: SocketAddr,
    order: Mutex<Order>,
}

#[derive(Debug, Default)]
struct Order {
    /// How many messages are still let through, and what becomes of the one after them.
    fault: Option<(u64, Fault)>,
    struck: bool,
}

const LARGEST_DATAGRAM: usize = 4_096;
const PATIENCE: Duration = Duration::from_secs(5);

/// How a message travels.
#[derive(Debug, Clone, Copy)]
enum By {
    Stream,
    Datagram,
}

/// What becomes of a message.
enum Fate {
    Delivered,
    Lost,
    Unanswered,
    /// Answered by somebody else, the server having got it or not.
    Answered(Vec<u8>, bool),
    /// Delivered with a signature that is not right.
    Spoilt(Vec<u8>),
}

impl Way {
    /// A way to the server, at a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn before(server: SocketAddr) -> std::io::Result<Self> {
        let mut last = std::io::Error::from(std::io::ErrorKind::AddrInUse);
        // what is free for connections need not be free for datagrams
        for _ in 0..20 {
            match Self::at(SocketAddr::from(([127, 0, 0, 1], 0)), server).await {
                Ok(way) => return Ok(way),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// A way to the server, at this address.
    ///
    /// # Errors
    /// When it is not free.
    pub async fn at(address: SocketAddr, server: SocketAddr) -> std::io::Result<Self> {
        let streams = TcpListener::bind(address).await?;
        let address = streams.local_addr()?;
        let datagrams = UdpSocket::bind(address).await?;
        let shared = Arc::new(Shared { server, order: Mutex::default() });
        let tasks = [
            tokio::spawn(serve_streams(streams, shared.clone())),
            tokio::spawn(serve_datagrams(datagrams, shared.clone())),
        ];
        Ok(Self { address, shared, tasks })
    }

    /// Where it begins.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `nth` message from now on meets the fault.
    pub fn strike(&self, nth: u64, fault: &Fault) {
        *self.shared.lock() = Order { fault: Some((nth - 1, fault.clone())), struck: false };
    }

    /// Nothing happens any more. Whether something did.
    pub fn heal(&self) -> bool {
        std::mem::take(&mut *self.shared.lock()).struck
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fate(&self, message: &[u8]) -> Fate {
        let mut order = self.lock();
        let Some((left, fault)) = &mut order.fault else { return Fate::Delivered };
        if *left > 0 {
            *left -= 1;
            return Fate::Delivered;
        }
        let fault = fault.clone();
        *order = Order { fault: None, struck: true };
        match fault {
            Fault::DropRequest => Fate::Lost,
            Fault::DropAnswer => Fate::Unanswered,
            Fault::Answer(page) if matches!(page.status, 401 | 403) => Fate::Spoilt(spoilt(message)),
            // no message at all
            Fault::Answer(page) if page.status == 200 => Fate::Answered(page.body.into_bytes(), false),
            Fault::Answer(_) => Fate::Answered(failing(message), false),
            Fault::AnswerAfterwards(_) => Fate::Answered(failing(message), true),
        }
    }

    /// What the client gets; `None`: nothing.
    async fn carry(&self, message: Vec<u8>, by: By) -> Option<Vec<u8>> {
        match self.fate(&message) {
            Fate::Delivered => self.deliver(&message, by).await,
            Fate::Lost => None,
            Fate::Unanswered => {
                self.deliver(&message, by).await;
                None
            }
            Fate::Answered(answer, is_delivered) => {
                if is_delivered {
                    self.deliver(&message, by).await;
                }
                Some(answer)
            }
            Fate::Spoilt(message) => self.deliver(&message, by).await,
        }
    }

    async fn deliver(&self, message: &[u8], by: By) -> Option<Vec<u8>> {
        match by {
            By::Stream => {
                let mut server = TcpStream::connect(self.server).await.ok()?;
                write(&mut server, message).await.ok()?;
                read(&mut server).await.ok()
            }
            By::Datagram => {
                let way = UdpSocket::bind("127.0.0.1:0").await.ok()?;
                way.send_to(message, self.server).await.ok()?;
                let mut answer = vec![0; LARGEST_DATAGRAM];
                let received = timeout(PATIENCE, way.recv(&mut answer)).await;
                answer.truncate(received.ok()?.ok()?);
                Some(answer)
            }
        }
    }
}

/// The message as an answer that says SERVFAIL, signed by nobody.
fn failing(message: &[u8]) -> Vec<u8> {
    let mut answer = message.to_vec();
    answer[2] |= 0x80;
    answer[3] = (answer[3] & 0xf0) | 2;
    answer
}

/// The message with another last byte of its signature. What is not signed stays as it is.
fn spoilt(message: &[u8]) -> Vec<u8> {
    let mut spoilt = message.to_vec();
    // behind the signature: the message's number, no error, nothing more
    if let Some(at) = spoilt.len().checked_sub(7) {
        spoilt[at] ^= 0xff;
    }
    spoilt
}

async fn serve_streams(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let shared = shared.clone();
        tokio::spawn(async move {
            // how it ended is what the tests look at, from the other side
            let _ = carry_stream(client, &shared).await;
        });
    }
}

async fn carry_stream(mut client: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let message = read(&mut client).await?;
    if let Some(answer) = shared.carry(message, By::Stream).await {
        write(&mut client, &answer).await?;
    }
    Ok(())
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut message = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut message).await?;
    Ok(message)
}

async fn write(stream: &mut TcpStream, message: &[u8]) -> std::io::Result<()> {
    let mut framed = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
    framed.extend_from_slice(message);
    stream.write_all(&framed).await
}

async fn serve_datagrams(socket: UdpSocket, shared: Arc<Shared>) {
    let socket = Arc::new(socket);
    let mut buffer = vec![0; LARGEST_DATAGRAM];
    while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
        let (message, socket, shared) = (buffer[..length].to_vec(), socket.clone(), shared.clone());
        tokio::spawn(async move {
            if let Some(answer) = shared.carry(message, By::Datagram).await {
                let _ = socket.send_to(&answer, client).await;
            }
        });
    }
}
