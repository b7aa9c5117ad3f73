//! A listener behind TLS is told what happens when it proves who it is, and nothing otherwise.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::project::{INSTANCES, Project};

/// Takes TLS off what goes to the listener. Its own certificate for this name is written to the file. Its port.
async fn in_front_of(listener: &MockServer, name: &str, certificate: &Path) -> u16 {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), name.to_owned()]).unwrap();
    std::fs::write(certificate, made.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let (acceptor, to) = (TlsAcceptor::from(Arc::new(config)), *listener.address());
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // who does not trust us hangs up
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut plain = TcpStream::connect(to).await.unwrap();
                let _ended = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
            });
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn s_09_a_listener_is_verified_by_authority_and_name() {
    let listener = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(204)).mount(&listener).await;
    let project = Project::sqlite().await;
    let told = async || listener.received_requests().await.unwrap().len();
    let (own, other) = (project.folder.path().join("own.pem"), project.folder.path().join("other.pem"));
    let port = in_front_of(&listener, "listener.test", &own).await;
    in_front_of(&listener, "other.test", &other).await;
    project.declare_with_listener(INSTANCES, &format!("https://localhost:{port}"));
    // the authorities of the system, another one, and the right one with another name
    project.run(&["apply", "--yes"], 0).await;
    for (trusted, host) in [(None, "localhost"), (Some(&other), "localhost"), (Some(&own), "127.0.0.1")] {
        project.declare_with_listener(INSTANCES, &format!("https://{host}:{port}"));
        let trusted = trusted.map(|path| ("SSL_CERT_FILE", path.to_str().unwrap()));
        let refused = project.run_with(trusted.as_slice(), &["events", "--deliver"]).await;
        assert!(refused.stderr.contains("certificate"), "{host}: {refused:#?}");
        assert_eq!(told().await, 0, "{host}");
    }
    project.declare_with_listener(INSTANCES, &format!("https://localhost:{port}"));
    let trusted = [("SSL_CERT_FILE", own.to_str().unwrap())];
    let delivered = project.run_with(&trusted, &["events", "--deliver"]).await;
    assert_eq!(delivered.code, Some(0), "{delivered:#?}");
    assert!(told().await >= 6);
}
