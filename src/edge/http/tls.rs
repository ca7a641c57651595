//! The certificate for HTTPS.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Why HTTPS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("{file} cannot be read: {why}; it must be a PEM file that this user may read")]
    File {
        /// Which file.
        file: String,
        /// Why.
        why: String,
    },
    /// Certificate and key do not serve together.
    #[error("the certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Reads a certificate chain and its key; offers HTTP/2 and HTTP/1.1.
///
/// # Errors
/// When a file cannot be read or the two do not belong together.
pub fn acceptor(certificate: &Path, private_key: &Path) -> Result<TlsAcceptor, TlsError> {
    let failed = |file: &Path, why: rustls::pki_types::pem::Error| TlsError::File {
        file: file.display().to_string(),
        why: why.to_string(),
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|why| failed(certificate, why))?;
    let key = PrivateKeyDer::from_pem_file(private_key).map_err(|why| failed(private_key, why))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
