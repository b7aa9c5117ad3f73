//! TLS towards the broker under test: rustls with ring, certificates always checked.

use std::{fs, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::ConformanceError;

/// Where systems keep the authorities they trust: Debian, Fedora, Alpine and macOS, SUSE.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];

/// Trusts the given authorities, or those of the system.
pub(super) fn configuration(authorities: Option<&[u8]>) -> Result<ClientConfig, ConformanceError> {
    let roots = match authorities {
        Some(pem) => given(pem)?,
        None => of_the_system(),
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(ConformanceError::Tls)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn given(pem: &[u8]) -> Result<RootCertStore, ConformanceError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).flatten());
    if roots.is_empty() { Err(ConformanceError::Authorities) } else { Ok(roots) }
}

/// Without any, a broker behind TLS is not reached, and told so; one behind plain HTTP needs none.
fn of_the_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let bundle = SYSTEM_BUNDLES.iter().find_map(|path| fs::read(path).ok()).unwrap_or_default();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&bundle).flatten());
    roots
}
