//! A client that sends bytes: for everything that no proper client would send.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::world::{PASSWORD, USER};

/// Longer than any test may wait for one thing.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// `Authorization` and version, as lines of a head.
pub(crate) fn credentials() -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let basic = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    format!("Host: broker\r\nAuthorization: Basic {basic}\r\nX-Broker-API-Version: 2.17\r\n")
}

/// One connection.
pub(crate) struct Raw<S = TcpStream> {
    pub(crate) stream: S,
    unread: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    /// Sends; a broker that has closed already is no failure of the test.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref()).await;
        let _ = self.stream.flush().await;
    }

    async fn more(&mut self) -> usize {
        let mut buffer = [0; 16 << 10];
        let length = timeout(SOON, self.stream.read(&mut buffer)).await.expect("an answer in time");
        let length = length.unwrap_or(0);
        self.unread.extend_from_slice(&buffer[..length]);
        length
    }

    /// The next answer, or `None` where the connection ends without one.
    pub(crate) async fn answer(&mut self) -> Option<RawAnswer> {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            if self.more().await == 0 {
                return None;
            }
        };
        let head = String::from_utf8(self.unread.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |(_, length)| length.parse().unwrap());
        while self.unread.len() < length {
            assert!(self.more().await > 0, "the body ends early");
        }
        let body = self.unread.drain(..length).collect();
        Some(RawAnswer { status, head, body })
    }

    /// The status of the next answer; 0 where there is none.
    pub(crate) async fn status(&mut self) -> u16 {
        self.answer().await.map_or(0, |answer| answer.status)
    }

    /// Waits until the other side has closed. What it still says is dropped.
    pub(crate) async fn closed(&mut self) {
        self.unread.clear();
        while self.more().await > 0 {
            self.unread.clear();
        }
    }
}
