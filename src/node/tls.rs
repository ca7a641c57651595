//! The certificate of RTMPS and HTTPS.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::config::TlsConfig;

/// TLS for both kinds of listener.
pub(super) struct Acceptors {
    /// HTTP/2 and HTTP/1.1 by ALPN.
    pub https: TlsAcceptor,
    /// RTMP inside TLS; no ALPN.
    pub rtmps: TlsAcceptor,
}

/// Loads the certificate, if one is configured.
///
/// # Errors
/// With the file and what is wrong with it.
pub(super) fn load(config: &TlsConfig) -> Result<Option<Acceptors>, String> {
    let (Some(certificate), Some(key)) = (&config.certificate, &config.key) else {
        return Ok(None);
    };
    let rtmps = server_config(certificate, key)?;
    let mut https = rtmps.clone();
    https.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(Acceptors {
        https: TlsAcceptor::from(Arc::new(https)),
        rtmps: TlsAcceptor::from(Arc::new(rtmps)),
    }))
}

fn server_config(certificate: &Path, key: &Path) -> Result<ServerConfig, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .map_err(|error| format!("tls.certificate {}: {error}", certificate.display()))?;
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| format!("tls.key {}: {error}", key.display()))?;
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| format!("tls: certificate and key cannot be used: {error}"))
}
