//! Just enough of HTTP/1.1 to know where a message ends.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest message that is carried.
const LONGEST: usize = 64 << 20;

/// A request or an answer, as it came.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// All of it.
    pub(super) bytes: Vec<u8>,
    /// How long its head is.
    pub(super) head: usize,
    /// Whether its connection ends with it.
    pub(super) is_last: bool,
}

impl Message {
    fn start_line(&self) -> &str {
        let line = self.bytes[..self.head].split(|byte| *byte == b'\r').next().unwrap_or_default();
        std::str::from_utf8(line).unwrap_or_default()
    }

    /// The method of a request.
    pub(super) fn method(&self) -> &str {
        self.start_line().split(' ').next().unwrap_or_default()
    }

    /// The target of a request.
    pub(super) fn target(&self) -> &str {
        self.start_line().split(' ').nth(1).unwrap_or_default()
    }

    fn header(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(&self.bytes[..self.head]).into_owned();
        let mut lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        let found = lines.find(|(found, _)| found.trim().eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    }
}

/// How long a body is.
enum Length {
    Known(usize),
    Chunked,
    UntilTheEnd,
}

/// Reads a request; nothing when the connection ended before it began.
pub(super) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Message>> {
    let Some(mut message) = read_head(stream).await? else { return Ok(None) };
    let length = match (message.header("transfer-encoding"), message.header("content-length")) {
        (Some(_), _) => Length::Chunked,
        (None, Some(length)) => Length::Known(length.parse().map_err(io::Error::other)?),
        (None, None) => Length::Known(0),
    };
    read_body(stream, &mut message, &length).await?;
    Ok(Some(message))
}

/// Reads the answer to a request.
pub(super) async fn read_answer(
    stream: &mut (impl AsyncRead + Unpin),
    request: &Message,
) -> io::Result<Message> {
    let mut message = read_head(stream).await?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = message.start_line().split(' ').nth(1).unwrap_or_default().to_owned();
    let length = match (message.header("transfer-encoding"), message.header("content-length")) {
        _ if request.method() == "HEAD" || matches!(&*status, "204" | "304") => Length::Known(0),
        (Some(_), _) => Length::Chunked,
        (None, Some(length)) => Length::Known(length.parse().map_err(io::Error::other)?),
        (None, None) => Length::UntilTheEnd,
    };
    read_body(stream, &mut message, &length).await?;
    let closes = message.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    message.is_last = closes || matches!(length, Length::UntilTheEnd);
    Ok(message)
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Message>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(Some(Message { bytes, head: end + 4, is_last: false }));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return if bytes.is_empty() { Ok(None) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
        }
        if bytes.len() > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
}

async fn read_body(
    stream: &mut (impl AsyncRead + Unpin),
    message: &mut Message,
    length: &Length,
) -> io::Result<()> {
    loop {
        let body = &message.bytes[message.head..];
        let is_whole = match length {
            Length::Known(length) => body.len() >= *length,
            Length::Chunked => body.ends_with(b"0\r\n\r\n"),
            Length::UntilTheEnd => false,
        };
        if is_whole {
            return Ok(());
        }
        if stream.read_buf(&mut message.bytes).await? == 0 {
            return match length {
                Length::UntilTheEnd => Ok(()),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
        if message.bytes.len() > LONGEST {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
    }
}
