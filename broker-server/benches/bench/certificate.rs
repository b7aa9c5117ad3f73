//! A certificate for servers on this machine, and whoever trusts it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{Failure, server::private};

/// Where a certificate for `localhost` and its key are.
pub(crate) struct Certificate {
    /// PEM.
    pub(crate) chain: PathBuf,
    /// PEM.
    pub(crate) key: PathBuf,
}

impl Certificate {
    /// A new one, signed by itself (ECDSA, P-256).
    pub(crate) fn make(folder: &Path) -> Result<Self, Failure> {
        // whoever was first has installed the same
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        std::fs::write(folder.join("server.pem"), made.cert.pem())?;
        private(folder, "server.key", &made.signing_key.serialize_pem())?;
        Ok(Self { chain: folder.join("server.pem"), key: folder.join("server.key") })
    }

    /// For a client.
    pub(crate) fn trust(&self) -> Result<Arc<ClientConfig>, Failure> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.chain)?)?;
        Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
    }

    /// For a server.
    pub(crate) fn identity(&self) -> Result<ServerConfig, Failure> {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let chain = vec![CertificateDer::from_pem_file(&self.chain)?];
        let key = PrivateKeyDer::from_pem_file(&self.key)?;
        Ok(ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?)
    }
}
