//! Certificates of the listener, and who may call with one (S-07, S-08).

use std::{
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, pem::PemObject},
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::names::NamedClients;
use crate::config::Tls;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read or holds nothing of the kind.
    #[error("could not read {what} from {}", path.display())]
    Pem {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::pki_types::pem::Error,
    },
    /// Nobody could ever be verified.
    #[error("could not use the client certificate authorities of {}", path.display())]
    ClientCa {
        /// Where they are.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::server::VerifierBuilderError,
    },
    /// A client's name is none.
    #[error("'{name}' in client_names is neither a DNS name nor an IP address")]
    ClientName {
        /// What was given.
        name: String,
    },
    /// Certificate and key do not fit, or are of no use.
    #[error("could not use the certificate and key")]
    Certificate(#[source] rustls::Error),
    /// TLS was turned on or off; that takes a restart.
    #[error("TLS cannot be turned on or off while the broker runs; restart it")]
    Switched,
}

/// The certificates in use. Handshakes take what is current; connections keep what they began with.
pub(super) struct Certificates(RwLock<Arc<ServerConfig>>);

impl Certificates {
    pub(super) fn load(tls: &Tls) -> Result<Self, TlsError> {
        Ok(Self(RwLock::new(Arc::new(server_config(tls)?))))
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the files again; where they cannot be used, what is current stays.
    pub(super) fn reload(&self, tls: &Tls) -> Result<(), TlsError> {
        let fresh = Arc::new(server_config(tls)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

/// TLS 1.2 and 1.3, with authenticated encryption only, and HTTP/1.1; with client authorities, nobody without a
/// certificate of theirs.
fn server_config(tls: &Tls) -> Result<ServerConfig, TlsError> {
    let chain = certificates(&tls.cert)?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|source| TlsError::Pem {
        what: "a private key",
        path: tls.key.clone(),
        source,
    })?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Certificate)?;
    let builder = match &tls.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => builder.with_client_cert_verifier(client_verifier(tls, path)?),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Certificate)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn client_verifier(tls: &Tls, authorities: &Path) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authorities)? {
        roots.add(certificate).map_err(TlsError::Certificate)?;
    }
    let provider = Arc::new(ring::default_provider());
    let mut builder = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
    if let Some(path) = &tls.crl {
        let failed = |source| TlsError::Pem { what: "a revocation list", path: path.clone(), source };
        let lists = CertificateRevocationListDer::pem_file_iter(path).map_err(failed)?;
        let lists: Vec<_> = lists.collect::<Result<_, _>>().map_err(failed)?;
        if lists.is_empty() {
            return Err(failed(rustls::pki_types::pem::Error::NoItemsFound));
        }
        builder = builder.with_crls(lists).only_check_end_entity_revocation();
    }
    let verifier =
        builder.build().map_err(|source| TlsError::ClientCa { path: authorities.to_owned(), source })?;
    if tls.client_names.is_empty() {
        return Ok(verifier);
    }
    let names = tls.client_names.iter().map(|name| {
        ServerName::try_from(name.clone()).map_err(|_| TlsError::ClientName { name: name.clone() })
    });
    Ok(Arc::new(NamedClients { verifier, names: names.collect::<Result<_, _>>()? }))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let failed = |source| TlsError::Pem { what: "certificates", path: path.to_owned(), source };
    CertificateDer::pem_file_iter(path).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)
}
