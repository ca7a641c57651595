//! A node's certificate and private key, and the file they live in.

use std::fmt;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::certificate::{Issued, NodeKey};
use super::{Fingerprint, TrustError, files, verify};

/// The file in the data directory.
const FILE: &str = "node-certificate.json";

/// A node's certificate with its key, as kept on disk.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct Credentials {
    /// The certificate.
    #[serde(flatten)]
    pub issued: Issued,
    key: String,
    /// The key of the next certificate; the version before had none ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credentials").field(&self.issued.node).finish()
    }
}

impl Credentials {
    /// A certificate and the key it was asked for with.
    #[must_use]
    pub fn new(issued: Issued, key: &NodeKey) -> Self {
        Self { issued, key: key.to_pem(), next: None }
    }

    /// The same with the key that the next certificate will be asked for with.
    #[must_use]
    pub fn with_next(self, next: &NodeKey) -> Self {
        Self { next: Some(next.to_pem()), ..self }
    }

    /// The key of the next certificate, if there is one.
    pub(super) fn next(&self) -> Result<Option<NodeKey>, TrustError> {
        self.next.as_deref().map(NodeKey::from_pem).transpose()
    }

    /// The keys of this certificate and of the next one.
    pub(super) fn keys(&self) -> Result<Vec<Fingerprint>, TrustError> {
        let present = NodeKey::from_pem(&self.key)?;
        let both = [Some(present), self.next()?].into_iter().flatten();
        Ok(both.map(|key| key.public().fingerprint()).collect())
    }

    /// Those in `dir`, if there are any.
    ///
    /// # Errors
    /// When the file cannot be read or understood.
    pub fn open(dir: &Path) -> Result<Option<Self>, TrustError> {
        let Some(text) = files::read(&dir.join(FILE))? else { return Ok(None) };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| TrustError::Unreadable(FILE.into(), error.to_string()))
    }

    /// Writes them to `dir`, readable by their owner only.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), TrustError> {
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| TrustError::Unreadable(FILE.into(), error.to_string()))?;
        files::write(&dir.join(FILE), &text)
    }

    pub(super) fn authority(&self) -> Result<CertificateDer<'static>, TrustError> {
        CertificateDer::from_pem_slice(self.issued.authority.as_bytes()).map_err(TrustError::chain)
    }

    /// As rustls wants it; the authority's certificate goes with it, for joiners, who know its hash only.
    pub(super) fn certified(&self) -> Result<CertifiedKey, TrustError> {
        let unreadable =
            |error: &dyn fmt::Display| TrustError::Unreadable(FILE.into(), error.to_string());
        let own = CertificateDer::from_pem_slice(self.issued.certificate.as_bytes())
            .map_err(|error| unreadable(&error))?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(self.key.as_bytes())
            .map_err(|error| unreadable(&error))?;
        let chain = vec![own, self.authority()?];
        CertifiedKey::from_der(chain, key.into(), &verify::provider())
            .map_err(|error| unreadable(&error))
    }
}
