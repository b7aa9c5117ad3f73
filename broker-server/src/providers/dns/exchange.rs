//! One message to a server and its answer back, within a time limit.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use domain::base::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::{Instant, timeout, timeout_at},
};

use super::{DnsError, message::Outgoing};

/// Larger than any datagram that is asked for.
const LARGEST_DATAGRAM: usize = 4_096;

/// By datagram. What comes and is no answer to it may be anybody's, and is not listened to.
pub(super) async fn by_datagram(
    server: SocketAddr,
    outgoing: &Outgoing,
    patience: Duration,
) -> Result<Message<Vec<u8>>, DnsError> {
    let any = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let unreachable = |_| DnsError::Unreachable(server);
    let socket = UdpSocket::bind(SocketAddr::new(any, 0)).await.map_err(unreachable)?;
    socket.connect(server).await.map_err(unreachable)?;
    socket.send(outgoing.bytes()).await.map_err(unreachable)?;
    let deadline = Instant::now() + patience;
    let mut buffer = vec![0; LARGEST_DATAGRAM];
    loop {
        match timeout_at(deadline, socket.recv(&mut buffer)).await {
            Ok(Ok(length)) if outgoing.is_answered_by(&buffer[..length]) => {
                return outgoing.checked(server, buffer[..length].to_vec());
            }
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(DnsError::Unreachable(server)),
            Err(_) => return Err(DnsError::Silent(server)),
        }
    }
}

/// By a connection of its own.
pub(super) async fn by_stream(
    server: SocketAddr,
    outgoing: &Outgoing,
    patience: Duration,
) -> Result<Message<Vec<u8>>, DnsError> {
    let connected = timeout(patience, TcpStream::connect(server)).await;
    let stream = connected.ok().and_then(Result::ok).ok_or(DnsError::Unreachable(server))?;
    let answered = timeout(patience, talk(stream, outgoing.bytes())).await;
    let received = answered.ok().and_then(Result::ok).ok_or(DnsError::Silent(server))?;
    outgoing.checked(server, received)
}

/// A message and its answer, each after its length: the length bounds what is read.
async fn talk(mut stream: TcpStream, message: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.set_nodelay(true)?;
    let length = u16::try_from(message.len()).map_err(std::io::Error::other)?;
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(message);
    stream.write_all(&framed).await?;
    let length = stream.read_u16().await?;
    let mut received = vec![0; usize::from(length)];
    stream.read_exact(&mut received).await?;
    Ok(received)
}
