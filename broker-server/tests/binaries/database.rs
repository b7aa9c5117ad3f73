//! The way to PostgreSQL: with TLS, and only to the server that was meant (S-09).

use std::{fs, path::Path};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use sutler_broker_server::testing::postgres::Cluster;

use crate::{
    audit::{provision, run, said, start, write_private},
    process::{call, client, configure},
};

/// Makes an authority, whose certificate goes into the file.
fn authority(path: &Path) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    fs::write(path, issuer.pem()).unwrap();
    issuer
}

#[tokio::test(flavor = "multi_thread")]
async fn s_09_the_database_is_verified_by_authority_and_name() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let issuer = authority(&folder.path().join("ca.pem"));
    authority(&folder.path().join("another.pem"));
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    cluster.secure(&certificate.pem(), &key.serialize_pem()).unwrap();
    write_private(&folder.path().join("database.password"), cluster.password());

    let config = configure(folder.path(), "vendors: { probe: {} }\n");
    let plain = fs::read_to_string(&config).unwrap();
    let with = |host: &str, rest: &str| {
        let url = format!("postgres://broker@{host}:{}/postgres", cluster.port());
        let store = format!("store: {{ url: \"{url}\", password: {{ file: database.password }}{rest} }}");
        fs::write(&config, plain.replace("store: sqlite:broker.db", &store)).unwrap();
    };
    assert!(run(&["key", "new"], &config).status.success());
    for (host, rest, why) in [
        ("127.0.0.1", ", ca: ca.pem", "the certificate is for another name"),
        ("localhost", ", ca: another.pem", "the certificate is of another authority"),
        ("localhost", "", "the server takes nobody without TLS"),
    ] {
        with(host, rest);
        let output = run(&["check"], &config);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{why}: {text}");
        assert!(text.contains("could not open the store postgres://broker@"), "{why}: {text}");
        assert!(!text.contains(cluster.password()), "{why}");
    }

    with("localhost", ", ca: ca.pem");
    let output = run(&["check"], &config);
    assert!(output.status.success(), "{}", said(&output));
    let process = start(&config);
    provision(&process, "one").await;
    let url = format!("http://{}/v2/service_instances/one", process.address);
    assert_eq!(call(client().get(url)).await.0, 200);
    assert!(process.end().0.success());
    let verified = run(&["audit", "verify"], &config);
    assert!(verified.status.success(), "{}", said(&verified));
}
