//! Mutual TLS: a certificate of the right authority, not expired, not revoked, with a right name; and a credential
//! as well (S-08).

use rcgen::{CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber, date_time_ymd};
use sutler_broker_server::{Config, config::Tls};

use super::{
    raw::Raw,
    tls::{authority, certificate, client, connect, folder_of, named, status},
};
use crate::world::World;

const REVOKED: u64 = 4711;

/// Serves whoever has a certificate of `ca` for `platform.test` that `crl.pem` does not name.
fn with_mutual_tls(config: &mut Config) {
    let folder = folder_of(config);
    let (ca, other) = (authority(&folder, "ca"), authority(&folder, "other"));
    certificate(&folder, "server", &ca, named("broker.test"));
    certificate(&folder, "good", &ca, named("platform.test"));
    certificate(&folder, "stranger", &other, named("platform.test"));
    certificate(&folder, "misnamed", &ca, named("else.test"));
    let mut expired = named("platform.test");
    expired.not_after = date_time_ymd(2001, 1, 1);
    certificate(&folder, "expired", &ca, expired);
    let mut revoked = named("platform.test");
    revoked.serial_number = Some(SerialNumber::from(REVOKED));
    certificate(&folder, "revoked", &ca, revoked);
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(4000, 1, 1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from(REVOKED),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    std::fs::write(folder.join("crl.pem"), list.signed_by(&ca).unwrap().pem().unwrap()).unwrap();
    config.tls = Some(Tls {
        cert: folder.join("server.pem"),
        key: folder.join("server.key"),
        client_ca: Some(folder.join("ca.pem")),
        crl: Some(folder.join("crl.pem")),
        client_names: vec!["platform.test".to_owned()],
    });
}

/// What a client with this certificate is answered; 0 where it is not even let in.
async fn answered(world: &World, own: Option<&str>) -> u16 {
    let client = client(world.database(), rustls::ALL_VERSIONS, own);
    match connect(world.handle().address(), client).await {
        Ok(stream) => status(stream).await,
        Err(_) => 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_08_only_the_right_certificate_is_let_in() {
    let world = World::with(with_mutual_tls).await;
    assert_eq!(answered(&world, Some("good")).await, 200);
    for wrong in [None, Some("stranger"), Some("misnamed"), Some("expired"), Some("revoked")] {
        assert_eq!(answered(&world, wrong).await, 0, "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn s_08_a_certificate_does_not_replace_a_credential() {
    let world = World::with(with_mutual_tls).await;
    let client = client(world.database(), rustls::ALL_VERSIONS, Some("good"));
    let mut raw = Raw::over(connect(world.handle().address(), client).await.unwrap());
    raw.send("GET /v2/catalog HTTP/1.1\r\nHost: broker\r\nX-Broker-API-Version: 2.17\r\n\r\n").await;
    assert_eq!(raw.status().await, 401);
}
