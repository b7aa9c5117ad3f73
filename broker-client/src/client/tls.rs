//! TLS towards a broker: rustls with ring, never weakened (S-09).

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{BuildError, ClientCertificate, Tls};

/// Sets up TLS. Certificates are checked against the given authorities, or those of the system, and nothing else.
pub(super) fn configuration(tls: &Tls) -> Result<ClientConfig, BuildError> {
    let roots = match &tls.authorities_pem {
        Some(pem) => given(pem)?,
        None => of_the_system()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| BuildError::Tls(error.into()))?
        .with_root_certificates(roots);
    match &tls.client {
        None => Ok(builder.with_no_client_auth()),
        Some(client) => {
            let (chain, key) = identity(client)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| BuildError::ClientKey(error.into()))
        }
    }
}

/// TLS that trusts nobody, for brokers that are reached without it.
pub(super) fn unused() -> Result<ClientConfig, BuildError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| BuildError::Tls(error.into()))?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// The authorities the user names; every one must be usable.
fn given(pem: &[u8]) -> Result<RootCertStore, BuildError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| BuildError::Authorities(error.to_string().into()))?;
        roots.add(certificate).map_err(|error| BuildError::Authorities(error.into()))?;
    }
    if roots.is_empty() {
        return Err(BuildError::Authorities("there is no certificate in it".into()));
    }
    Ok(roots)
}

/// The authorities of the system, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`; ones in a form we do not know are
/// passed over.
fn of_the_system() -> Result<RootCertStore, BuildError> {
    let mut found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    match (roots.is_empty(), found.errors.pop()) {
        (false, _) => Ok(roots),
        (true, Some(error)) => Err(BuildError::Authorities(error.into())),
        (true, None) => Err(BuildError::NoAuthorities),
    }
}

/// Our certificate chain and its key.
fn identity(
    client: &ClientCertificate,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), BuildError> {
    let chain = CertificateDer::pem_slice_iter(&client.certificates_pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| BuildError::ClientCertificate(error.to_string().into()))?;
    if chain.is_empty() {
        return Err(BuildError::ClientCertificate("there is no certificate in it".into()));
    }
    // The error's text is left out: it may quote a line of the file.
    let key = PrivateKeyDer::from_pem_slice(client.key_pem.expose().as_bytes())
        .map_err(|_| BuildError::ClientKey("there is no private key in it, or it is not PEM".into()))?;
    Ok((chain, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authorities_of_this_system_are_found() {
        assert!(!of_the_system().unwrap().is_empty());
    }

    #[test]
    fn a_file_without_a_certificate_is_no_authority() {
        for pem in ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(given(pem.as_bytes()), Err(BuildError::Authorities(_))), "{pem}");
        }
    }

    #[test]
    fn an_unusable_key_is_not_quoted() {
        let certificates_pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_vec();
        let key_pem = "-----BEGIN PRIVATE KEY-----\nc4n4ry!\n-----END PRIVATE KEY-----\n".into();
        let error = identity(&ClientCertificate { certificates_pem, key_pem }).unwrap_err();
        assert!(!format!("{error:?} {error}").contains("c4n4ry"));
    }
}
