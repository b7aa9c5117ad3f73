//! TLS of the listener: which versions and ciphers, for how long, and certificates that change while it serves (S-07).

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use sutler_broker_server::{Config, config::Tls};
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::raw::{Raw, credentials};
use crate::world::{PASSWORD, USER, World};

pub(super) type Authority = CertifiedIssuer<'static, KeyPair>;

/// An authority, with its certificate in `NAME.pem`.
pub(super) fn authority(folder: &Path, name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign, rcgen::KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(folder.join(format!("{name}.pem")), issuer.pem()).unwrap();
    issuer
}

/// A certificate in `FILE.pem` and its key in `FILE.key`.
pub(super) fn certificate(folder: &Path, file: &str, issuer: &Authority, params: CertificateParams) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    std::fs::write(folder.join(format!("{file}.key")), key.serialize_pem()).unwrap();
    std::fs::write(folder.join(format!("{file}.pem")), certificate.pem()).unwrap();
}

pub(super) fn named(name: &str) -> CertificateParams {
    CertificateParams::new([name.to_owned()]).unwrap()
}

pub(super) fn folder_of(config: &Config) -> PathBuf {
    config.keys.parent().unwrap().to_owned()
}

/// Serves with a fresh certificate for `broker.test`.
fn with_tls(config: &mut Config) {
    let folder = folder_of(config);
    let issuer = authority(&folder, "ca");
    certificate(&folder, "server", &issuer, named("broker.test"));
    config.tls = Some(Tls {
        cert: folder.join("server.pem"),
        key: folder.join("server.key"),
        client_ca: None,
        crl: None,
        client_names: Vec::new(),
    });
}

/// A client that trusts `ca.pem`, with a certificate of its own where it is named.
pub(super) fn client(
    folder: &Path,
    versions: &[&'static SupportedProtocolVersion],
    own: Option<&str>,
) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.join("ca.pem")).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = CertificateDer::from_pem_file(folder.join(format!("{own}.pem"))).unwrap();
            let key = PrivateKeyDer::from_pem_file(folder.join(format!("{own}.key"))).unwrap();
            builder.with_client_auth_cert(vec![chain], key).unwrap()
        }
    }
}

pub(super) async fn connect(
    address: SocketAddr,
    client: ClientConfig,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("broker.test").unwrap();
    TlsConnector::from(Arc::new(client)).connect(name, stream).await
}

pub(super) async fn status(stream: TlsStream<TcpStream>) -> u16 {
    let mut raw = Raw::over(stream);
    raw.send(format!("GET /v2/catalog HTTP/1.1\r\n{}\r\n", credentials())).await;
    raw.status().await
}

/// What a server says to a hello of this version with these ciphers: the type of the record and what is in it.
async fn hello(address: SocketAddr, version: u16, ciphers: &[u16]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([7; 32]);
    body.push(0);
    body.extend(u16::try_from(ciphers.len() * 2).unwrap().to_be_bytes());
    body.extend(ciphers.iter().flat_map(|cipher| cipher.to_be_bytes()));
    body.extend([1, 0]);
    // groups x25519 and P-256, uncompressed points, signatures of ECDSA and RSA
    let extensions = [
        &[0, 10, 0, 6, 0, 4, 0, 29, 0, 23][..],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 8, 0, 6, 4, 3, 4, 1, 8, 4],
    ]
    .concat();
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0];
    message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    message.extend(body);
    let mut record = vec![22, 3, 1];
    record.extend(u16::try_from(message.len()).unwrap().to_be_bytes());
    record.extend(message);
    let mut raw = Raw::open(address).await;
    raw.send(record).await;
    let mut answer = vec![0; 64];
    let length = raw.stream.read(&mut answer).await.unwrap();
    answer.truncate(length);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn s_07_only_tls_1_2_and_1_3_with_authenticated_encryption() {
    let world = World::with(with_tls).await;
    let address = world.handle().address();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let stream = connect(address, client(world.database(), &[version], None)).await.unwrap();
        assert_eq!(stream.get_ref().1.protocol_version(), Some(version.version));
        assert_eq!(status(stream).await, 200);
    }
    const ALERT: u8 = 21;
    const HANDSHAKE: u8 = 22;
    // what is good is understood, so that the refusals below are for what is wrong
    assert_eq!(hello(address, 0x0303, &[0xc02b, 0xc02f]).await[0], HANDSHAKE);
    for (what, version, ciphers) in [
        ("SSL 3", 0x0300, &[0xc02b_u16, 0xc02f][..]),
        ("TLS 1.0", 0x0301, &[0xc02b, 0xc02f, 0xc009, 0x002f]),
        ("TLS 1.1", 0x0302, &[0xc02b, 0xc02f, 0xc009, 0x002f]),
        ("CBC with SHA-1", 0x0303, &[0xc009, 0xc013, 0x002f, 0x0035]),
        ("CBC with SHA-256", 0x0303, &[0xc023, 0xc027, 0x003c]),
        ("RC4, 3DES and none", 0x0303, &[0x0005, 0x000a, 0x0000]),
        ("RSA key exchange", 0x0303, &[0x009c, 0x009d]),
    ] {
        assert_eq!(hello(address, version, ciphers).await.first(), Some(&ALERT), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_07_a_handshake_that_stalls_is_closed_and_harms_nobody() {
    let world = World::with(with_tls).await;
    let address = world.handle().address();
    let started = Instant::now();
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(Raw::open(address).await);
    }
    silent[0].send([22, 3, 1, 2]).await;
    let stream = connect(address, client(world.database(), rustls::ALL_VERSIONS, None)).await.unwrap();
    assert_eq!(status(stream).await, 200);
    for raw in &mut silent {
        raw.closed().await;
    }
    let taken = started.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_secs(12)).contains(&taken), "{taken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_come_together_in_one_record_are_all_answered() {
    let world = World::with(with_tls).await;
    let stream =
        connect(world.handle().address(), client(world.database(), rustls::ALL_VERSIONS, None)).await;
    let mut raw = Raw::over(stream.unwrap());
    // more than is read at a time, less than a record: what is left waits where no socket tells of it
    let one = format!("GET /v2/nothing HTTP/1.1\r\n{}\r\n", credentials());
    let many = (15 << 10) / one.len();
    raw.send(one.repeat(many)).await;
    for _ in 0..many {
        assert_eq!(raw.status().await, 404);
    }
    raw.send(format!("GET /v2/catalog HTTP/1.1\r\n{}\r\n", credentials())).await;
    assert_eq!(raw.status().await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_07_a_certificate_is_exchanged_and_no_connection_ends() {
    let world = World::with(|config| {
        with_tls(config);
        let folder = folder_of(config);
        let issuer = authority(&folder, "ca");
        let mut expired = named("broker.test");
        expired.not_after = date_time_ymd(2001, 1, 1);
        certificate(&folder, "server", &issuer, expired);
        certificate(&folder, "next", &issuer, named("broker.test"));
    })
    .await;
    let (address, folder) = (world.handle().address(), world.database());
    let trusting = || client(folder, rustls::ALL_VERSIONS, None);
    let refused = connect(address, trusting()).await.unwrap_err();
    assert!(format!("{refused:?}").contains("Expired"), "{refused:?}");
    for (from, to) in [("next.pem", "server.pem"), ("next.key", "server.key")] {
        std::fs::rename(folder.join(from), folder.join(to)).unwrap();
    }
    let again = |tls: Option<Tls>| {
        let mut config = Config::on_loopback(folder, USER, PASSWORD.into());
        config.tls = tls;
        config
    };
    let paths = |key: &str| Tls {
        cert: folder.join("server.pem"),
        key: folder.join(key),
        client_ca: None,
        crl: None,
        client_names: Vec::new(),
    };
    world.handle().reload(again(Some(paths("server.key")))).unwrap();
    let mut first = Raw::over(connect(address, trusting()).await.unwrap());
    // what cannot be used changes nothing
    world.handle().reload(again(Some(paths("ca.pem")))).unwrap_err();
    world.handle().reload(again(None)).unwrap_err();
    assert_eq!(status(connect(address, trusting()).await.unwrap()).await, 200);
    // a connection of before goes on
    world.handle().reload(again(Some(paths("server.key")))).unwrap();
    first.send(format!("GET /v2/catalog HTTP/1.1\r\n{}\r\n", credentials())).await;
    assert_eq!(first.status().await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn s_14_http_2_is_not_offered() {
    let world = World::with(with_tls).await;
    let mut client = client(world.database(), rustls::ALL_VERSIONS, None);
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = connect(world.handle().address(), client).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert_eq!(status(stream).await, 200);
}
