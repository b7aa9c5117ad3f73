//! Settings that cannot be used are refused before anything is sent.

use sutler_broker_client::{Authentication, BuildError, Client, ClientCertificate};
use sutler_spec::OriginatingIdentity;

use crate::world::settings;

fn refused(change: impl FnOnce(&mut sutler_broker_client::Settings)) -> BuildError {
    let mut settings = settings("https://broker.example");
    change(&mut settings);
    Client::new(settings).expect_err("these settings cannot be used")
}

#[test]
fn nothing_travels_in_clear_beyond_this_machine() {
    for url in [
        "http://broker.example",
        "http://10.0.0.1:8080",
        "http://0.0.0.0",
        "http://localhost.example",
        "http://localhost.",
        "http://127.0.0.1.example/",
        "http://[::ffff:127.0.0.1]",
        "http://[::]",
        "http://[fe80::1]",
        "http://169.254.169.254",
    ] {
        let error = Client::new(settings(url)).expect_err(url);
        assert!(matches!(error, BuildError::PlainHttp(_)), "{url}: {error:?}");
        assert!(error.to_string().contains("in clear; use https"), "{error}");
    }
    for url in
        ["http://localhost:8080", "http://127.0.0.1", "http://127.9.9.9", "http://[::1]:1/x", "http://127.1"]
    {
        let mut settings = settings(url);
        settings.authentication = Authentication::Basic { username: "u".to_owned(), password: "p".into() };
        Client::new(settings).expect(url);
    }
}

#[test]
fn a_url_that_is_no_base_is_refused() {
    for (url, part) in [
        ("ftp://broker.example", "'ftp:'"),
        ("unix:/run/broker", "'unix:'"),
        ("https://u:c4n4ry@broker.example", "authentication"),
        ("https://u@broker.example", "authentication"),
        ("https://broker.example/?a=b", "query"),
        ("https://broker.example/#x", "fragment"),
    ] {
        let error = Client::new(settings(url)).expect_err(url);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(part) && !shown.contains("c4n4ry"), "{shown}");
    }
}

#[test]
fn credentials_that_no_header_carries_are_refused_without_being_shown() {
    for username in ["", "a:b", "a\nb"] {
        let error = refused(|settings| {
            settings.authentication =
                Authentication::Basic { username: username.to_owned(), password: "c4n4ry".into() };
        });
        assert!(matches!(error, BuildError::Username), "{error:?}");
    }
    for token in ["", "c4n4ry\r\nx: y", "c4n4ry ", "c4n4rÿ"] {
        let error =
            refused(|settings| settings.authentication = Authentication::Bearer { token: token.into() });
        assert!(matches!(error, BuildError::Token) && !error.to_string().contains("c4n4"), "{error:?}");
    }
}

#[test]
fn identities_that_no_header_carries_are_refused() {
    for platform in ["", "two words", "a\r\nx: y"] {
        let error = refused(|settings| {
            settings.originating_identity =
                Some(OriginatingIdentity { platform: platform.to_owned(), value: serde_json::Map::new() });
        });
        assert!(matches!(error, BuildError::OriginatingIdentity), "{error:?}");
    }
    assert!(matches!(refused(|settings| settings.user_agent = "a\nb".to_owned()), BuildError::UserAgent));
}

#[test]
fn certificates_that_cannot_be_read_are_refused() {
    let certificate = include_bytes!("certificates/client.pem").to_vec();
    let error = refused(|settings| settings.tls.authorities_pem = Some(b"none".to_vec()));
    assert!(matches!(error, BuildError::Authorities(_)), "{error:?}");
    for (certificates_pem, key_pem) in [
        (b"none".to_vec(), include_str!("certificates/client.key")),
        (certificate.clone(), "c4n4ry"),
        (certificate, include_str!("certificates/server.key")),
    ] {
        let error = refused(|settings| {
            settings.tls.client = Some(ClientCertificate { certificates_pem, key_pem: key_pem.into() });
        });
        assert!(matches!(error, BuildError::ClientCertificate(_) | BuildError::ClientKey(_)), "{error:?}");
        assert!(!format!("{error:?}").contains("c4n4ry"));
    }
    let mut plain = settings("http://127.0.0.1");
    plain.tls.authorities_pem = Some(include_bytes!("certificates/authority.pem").to_vec());
    assert!(matches!(Client::new(plain), Err(BuildError::TlsWithoutHttps)));
}
