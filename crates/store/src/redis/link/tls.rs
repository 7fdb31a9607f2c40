//! What an encrypted connection trusts, and by which certificate the client is known.

use std::path::Path;

use redis::{Client, ClientTlsConfig, ConnectionAddr, ErrorKind, RedisResult, TlsCertificates};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::url::Node;
use crate::redis::config::RedisConfig;

/// The certificates, read once.
pub(super) struct Tls {
    /// An address that carries them: the client library makes one only together with a url.
    pattern: ConnectionAddr,
}

impl Tls {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// A sentence that names the setting and the file.
    pub(super) fn read(config: &RedisConfig) -> Result<Self, String> {
        install_crypto();
        let root_cert =
            config.ca_file.as_deref().map(|path| certificates("store.ca_file", path)).transpose()?;
        let client_tls = match (&config.client_certificate, &config.client_key) {
            (Some(certificate), Some(key)) => Some(ClientTlsConfig {
                client_cert: certificates("store.client_certificate", certificate)?,
                client_key: read("store.client_key", key)?,
            }),
            (None, _) | (_, None) => None,
        };
        let client = Client::build_with_tls("rediss://pattern", TlsCertificates { client_tls, root_cert });
        let client = client.map_err(|error| {
            format!("store.ca_file, store.client_certificate or store.client_key cannot be used: {error}")
        })?;
        Ok(Self { pattern: client.get_connection_info().addr().clone() })
    }

    /// The address of a node, with the certificates.
    pub(super) fn address(&self, node: &Node) -> RedisResult<ConnectionAddr> {
        let ConnectionAddr::TcpTls { insecure, ref tls_params, .. } = self.pattern else {
            return Err((ErrorKind::InvalidClientConfig, "the pattern of a TLS address is none").into());
        };
        let (host, tls_params) = (node.host.clone(), tls_params.clone());
        Ok(ConnectionAddr::TcpTls { host, port: node.port, insecure, tls_params })
    }
}

fn certificates(setting: &str, path: &Path) -> Result<Vec<u8>, String> {
    let pem = read(setting, path)?;
    let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    if found.is_ok_and(|found| !found.is_empty()) {
        return Ok(pem);
    }
    Err(format!("{setting}: {} holds no certificate in PEM form", path.display()))
}

fn read(setting: &str, path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{setting}: cannot read {}: {error}", path.display()))
}

/// The client library asks the process for its cryptography; whoever set one before us is respected.
fn install_crypto() {
    if CryptoProvider::get_default().is_none()
        && rustls::crypto::ring::default_provider().install_default().is_err()
    {
        tracing::debug!("another thread chose the cryptography first");
    }
}
