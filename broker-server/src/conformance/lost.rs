//! Requests whose answer nobody reads: sent whole, and the connection dropped.

use std::time::Duration;

use tokio::{io::AsyncWriteExt, net::TcpStream};

use super::{
    bench::Bench,
    finding::Finding,
    wire::{Call, Proof},
};

/// How long a request over TLS has to leave before it is abandoned.
const LEAVING: Duration = Duration::from_millis(50);

/// Sends a request and drops the connection before the answer is read.
pub(super) async fn send(bench: &Bench, call: Call<'_>) -> Result<(), Finding> {
    if bench.wire.is_encrypted() {
        // dropping the request closes its connection; whether all of it has left is not known
        let _ = tokio::time::timeout(LEAVING, call.send()).await;
        return Ok(());
    }
    let unsent = |error: std::io::Error| Finding::skipped(format!("the request could not be sent: {error}"));
    let url = url::Url::parse(bench.wire.base()).map_err(|_| Finding::skipped("the address is no URL"))?;
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or(80);
    let mut connection = TcpStream::connect((host, port)).await.map_err(unsent)?;
    let authorization = bench.wire.authorization(Proof::Right);
    let request = written(&call, (&format!("{host}:{port}"), url.path()), authorization);
    connection.write_all(&request).await.map_err(unsent)?;
    connection.flush().await.map_err(unsent)
}

/// The request as bytes.
fn written(call: &Call<'_>, (host, prefix): (&str, &str), authorization: Option<String>) -> Vec<u8> {
    let body = call.body.clone().unwrap_or_default();
    let mut head = format!(
        "{} {}{} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\n",
        call.method,
        prefix.trim_end_matches('/'),
        call.target(),
        body.len()
    );
    let authorization = authorization.map(|value| ("authorization".to_owned(), value));
    for (name, value) in call.headers.iter().chain(authorization.iter()) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.into_bytes(), body].concat()
}
