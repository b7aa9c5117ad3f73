//! TLS is never weakened, and a certificate proves who we are (S-09).

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::Arc,
    thread,
};

use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use sutler_broker_client::{Call, Client, ClientCertificate, ClientError, Ended, Orphan, leaves_orphan};

use crate::world::settings;

const AUTHORITY: &[u8] = include_bytes!("certificates/authority.pem");
const STRANGER: &[u8] = include_bytes!("certificates/stranger.pem");
const SERVER: [&[u8]; 2] =
    [include_bytes!("certificates/server.pem"), include_bytes!("certificates/server.key")];
const ELSEWHERE: [&[u8]; 2] =
    [include_bytes!("certificates/elsewhere.pem"), include_bytes!("certificates/elsewhere.key")];
const EXPIRED: [&[u8]; 2] =
    [include_bytes!("certificates/expired.pem"), include_bytes!("certificates/expired.key")];

/// Whether a server wants to see a certificate.
#[derive(Clone, Copy)]
enum Clients {
    Anyone,
    Certified,
}

/// A broker with TLS that offers nothing; returns its port.
fn broker([certificate, key]: [&[u8]; 2], clients: Clients) -> u16 {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        Clients::Anyone => builder.with_no_client_auth(),
        Clients::Certified => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(AUTHORITY).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(certificate).unwrap()];
    let config = builder.with_single_cert(chain, PrivateKeyDer::from_pem_slice(key).unwrap()).unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            let mut head = Vec::new();
            let mut buffer = [0; 4096];
            while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                match stream.read(&mut buffer) {
                    Ok(length) if length > 0 => head.extend_from_slice(&buffer[..length]),
                    _ => break,
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"services\":[]}");
            stream.conn.send_close_notify();
            let _ = stream.flush();
            // Reads what is left, so that closing does not reset the connection under an alert.
            let _ = stream.sock.shutdown(std::net::Shutdown::Write);
            while matches!(stream.sock.read(&mut buffer), Ok(length) if length > 0) {}
        }
    });
    port
}

async fn ask(host: &str, port: u16, authorities: &[u8]) -> Result<(), ClientError> {
    let mut settings = settings(&format!("https://{host}:{port}"));
    settings.tls.authorities_pem = Some(authorities.to_vec());
    Client::new(settings).unwrap().catalog(None).await.map(|_| ())
}

fn assert_not_sent(result: Result<(), ClientError>, cause: &str) {
    let error = result.expect_err(cause);
    assert!(matches!(error, ClientError::NotSent { .. }), "{error:?}");
    assert_eq!(leaves_orphan(Call::Provision, &Ended::from(&error)), Orphan::None);
    let chain = chain(&error);
    assert!(chain.contains(cause), "{chain}");
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(|error| format!("{error}; ")).collect()
}

#[tokio::test]
async fn a_broker_of_our_authority_is_trusted() {
    let port = broker(SERVER, Clients::Anyone);
    ask("127.0.0.1", port, AUTHORITY).await.unwrap();
    ask("localhost", port, AUTHORITY).await.unwrap();
    let both = [STRANGER, AUTHORITY].concat();
    ask("127.0.0.1", port, &both).await.unwrap();
}

#[tokio::test]
async fn a_broker_of_another_authority_is_not_spoken_to() {
    assert_not_sent(ask("127.0.0.1", broker(SERVER, Clients::Anyone), STRANGER).await, "UnknownIssuer");
}

#[tokio::test]
async fn a_private_authority_is_unknown_to_the_system() {
    let port = broker(SERVER, Clients::Anyone);
    let client = Client::new(settings(&format!("https://127.0.0.1:{port}"))).unwrap();
    assert_not_sent(client.catalog(None).await.map(|_| ()), "UnknownIssuer");
}

#[tokio::test]
async fn a_broker_under_another_name_is_not_spoken_to() {
    let port = broker(ELSEWHERE, Clients::Anyone);
    assert_not_sent(ask("localhost", port, AUTHORITY).await, "not valid for name");
    assert_not_sent(ask("127.0.0.1", port, AUTHORITY).await, "not valid for name");
}

#[tokio::test]
async fn a_broker_with_an_expired_certificate_is_not_spoken_to() {
    assert_not_sent(ask("127.0.0.1", broker(EXPIRED, Clients::Anyone), AUTHORITY).await, "expired");
}

#[tokio::test]
async fn a_broker_without_tls_is_not_spoken_to() {
    let plain = wiremock::MockServer::start().await;
    let port = plain.address().port();
    assert!(matches!(ask("127.0.0.1", port, AUTHORITY).await, Err(ClientError::NotSent { .. })));
    assert!(plain.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn our_certificate_proves_who_we_are() {
    let port = broker(SERVER, Clients::Certified);
    let mut settings = settings(&format!("https://127.0.0.1:{port}"));
    settings.tls.authorities_pem = Some(AUTHORITY.to_vec());
    settings.tls.client = Some(ClientCertificate {
        certificates_pem: include_bytes!("certificates/client.pem").to_vec(),
        key_pem: include_str!("certificates/client.key").into(),
    });
    Client::new(settings).unwrap().catalog(None).await.unwrap();
}

#[tokio::test]
async fn without_a_certificate_that_is_wanted_nothing_counts_as_sent() {
    assert_not_sent(
        ask("127.0.0.1", broker(SERVER, Clients::Certified), AUTHORITY).await,
        "CertificateRequired",
    );
}
