//! Whom a node believes: the cluster's authority, its own certificate, and who was removed.
//!
//! The authority's signature is not enough: whoever voted once has its key. A node whose keys are on record is believed
//! with one of them only.
//!
//! One [`Trust`] per process. The directory sets [`Forbidden`] whenever it changes; handshakes ask it, and
//! the mesh closes live connections of whoever is in it at once. TLS sessions are never resumed, because a
//! resumed one would skip this check.

pub mod authority;
pub mod certificate;
mod credentials;
pub(in crate::link) mod files;
pub mod refusals;
pub mod renew;
pub(in crate::link) mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use tokio::sync::watch;
use weir_model::{NodeId, Timestamp};

pub use authority::Authority;
pub use certificate::{Identity, Issued, NodeKey, PublicKey};
pub use credentials::Credentials;
pub use refusals::{Reason, Refusals, Refused};

/// Why trust cannot be set up or a certificate not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// A file.
    #[error("{path}: {error}; check that the data directory is writable and on a working disk")]
    Io {
        /// Which.
        path: String,
        /// What the system said.
        error: String,
    },
    /// A file of ours that cannot be understood.
    #[error("{0} cannot be used ({1}); restore it from a backup, or remove it and join again")]
    Unreadable(String, String),
    /// The system's randomness.
    #[error("the system gives no random bytes: {0}")]
    Randomness(String),
    /// Certificates.
    #[error("a certificate could not be made: {0}")]
    Making(String),
    /// The authority's certificate.
    #[error("the cluster's certificate cannot be used: {0}")]
    Chain(String),
    /// A certificate of somebody else.
    #[error("not the certificate of a Weir node: {0}")]
    NotANode(String),
    /// A public key.
    #[error("not a public key: expected an uncompressed P-256 point")]
    BadKey,
    /// A role.
    #[error("not a role: `{0}`; roles are short lower-case words")]
    BadRole(String),
}

impl TrustError {
    fn making(error: impl fmt::Display) -> Self {
        Self::Making(error.to_string())
    }

    fn chain(error: impl fmt::Display) -> Self {
        Self::Chain(error.to_string())
    }
}

/// SHA-256 of the authority's certificate, which is what an invitation pins, or of a node's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let mut own = [0; 32];
        own.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(own)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&certificate::hex(&self.0))
    }
}

/// Nodes, certificates and keys that are refused although the authority made their certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forbidden {
    /// Removed nodes.
    pub nodes: BTreeSet<NodeId>,
    /// Serial numbers of single certificates, as in [`Identity::serial`].
    pub serials: BTreeSet<String>,
    /// Nodes whose keys are on record, each with all of them: with another key they are refused.
    pub keys: BTreeMap<NodeId, BTreeSet<Fingerprint>>,
}

impl Forbidden {
    /// Whether `identity` is refused by name or number.
    #[must_use]
    pub fn is_revoked(&self, identity: &Identity) -> bool {
        self.nodes.contains(&identity.node) || self.serials.contains(&identity.serial)
    }

    /// Whether `key` is none of those that `node` has on record.
    #[must_use]
    pub fn is_foreign(&self, node: NodeId, key: Fingerprint) -> bool {
        self.keys.get(&node).is_some_and(|known| !known.contains(&key))
    }

    /// Whether `identity` is believed, and if so whether its key is on record: it is not when the node has none.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn judge(&self, identity: &Identity) -> Result<bool, Reason> {
        if self.is_revoked(identity) {
            return Err(Reason::Revoked);
        }
        if self.is_foreign(identity.node, identity.key) {
            return Err(Reason::ForeignKey);
        }
        Ok(self.keys.contains_key(&identity.node))
    }
}

/// See the module.
#[derive(Debug)]
pub struct Trust {
    own: RwLock<Own>,
    chains: verify::Chains,
    fingerprint: Fingerprint,
    authority: RwLock<Option<Arc<Authority>>>,
    forbidden: watch::Sender<Arc<Forbidden>>,
    refusals: Refusals,
}

#[derive(Debug)]
struct Own {
    credentials: Credentials,
    shown: Arc<CertifiedKey>,
    /// Of the keys that are shown now and next.
    keys: Vec<Fingerprint>,
}

impl Own {
    fn of(credentials: Credentials) -> Result<Self, TrustError> {
        let shown = Arc::new(credentials.certified()?);
        Ok(Self { keys: credentials.keys()?, credentials, shown })
    }
}

/// The credentials in `dir`, with a next key in any case.
fn kept(dir: &Path) -> Result<Option<Credentials>, TrustError> {
    let Some(kept) = Credentials::open(dir)? else { return Ok(None) };
    if kept.next()?.is_some() {
        return Ok(Some(kept));
    }
    let kept = kept.with_next(&NodeKey::new()?);
    kept.save(dir)?;
    Ok(Some(kept))
}

impl Trust {
    /// Trust in the authority that made these credentials. `authority` is there on voters.
    ///
    /// # Errors
    /// When the credentials cannot be used.
    pub fn new(
        credentials: Credentials,
        authority: Option<Arc<Authority>>,
    ) -> Result<Self, TrustError> {
        let anchor = credentials.authority()?;
        Ok(Self {
            chains: verify::Chains::new(&anchor)?,
            fingerprint: Fingerprint::of(&anchor),
            own: RwLock::new(Own::of(credentials)?),
            authority: RwLock::new(authority),
            forbidden: watch::Sender::default(),
            refusals: Refusals::default(),
        })
    }

    /// The trust of a cluster's first node: makes authority and certificate where there are none.
    ///
    /// # Errors
    /// When `dir` cannot be read or written.
    pub fn found(
        dir: &Path,
        node: NodeId,
        roles: &BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Self, TrustError> {
        let authority = Arc::new(Authority::open_or_new(dir, now)?);
        if let Some(kept) = kept(dir)?.filter(|kept| kept.issued.node == node) {
            return Self::new(kept, Some(authority));
        }
        let key = NodeKey::new()?;
        let issued = authority.issue(node, roles, &key.public(), now)?;
        let credentials = Credentials::new(issued, &key).with_next(&NodeKey::new()?);
        credentials.save(dir)?;
        Self::new(credentials, Some(authority))
    }

    /// The trust of a node that joined before; none when it never did. A voter finds its authority too.
    ///
    /// # Errors
    /// When `dir` cannot be read.
    pub fn open(dir: &Path) -> Result<Option<Self>, TrustError> {
        let authority = Authority::open(dir)?.map(Arc::new);
        kept(dir)?.map(|kept| Self::new(kept, authority)).transpose()
    }

    /// The own node.
    #[must_use]
    pub fn node(&self) -> NodeId {
        self.own.read().credentials.issued.node
    }

    /// The own roles, as the own certificate says.
    #[must_use]
    pub fn roles(&self) -> BTreeSet<String> {
        let shown = self.shown();
        let own = shown.cert.first().and_then(|own| certificate::identity(own).ok());
        own.map(|identity| identity.roles).unwrap_or_default()
    }

    /// The own certificate.
    #[must_use]
    pub fn issued(&self) -> Issued {
        self.own.read().credentials.issued.clone()
    }

    /// Which keys the node shows: the present one, then the next one when it is made already. To be on record before
    /// they are shown.
    #[must_use]
    pub fn keys(&self) -> Vec<Fingerprint> {
        self.own.read().keys.clone()
    }

    /// The key that the next certificate is for.
    pub(in crate::link) fn next_key(&self) -> Result<Option<NodeKey>, TrustError> {
        self.own.read().credentials.next()
    }

    /// The authority's fingerprint.
    #[must_use]
    pub const fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The authority, on voters.
    #[must_use]
    pub fn authority(&self) -> Option<Arc<Authority>> {
        self.authority.read().clone()
    }

    /// Gives the authority to a node that became a voter, or takes it away.
    pub fn set_authority(&self, authority: Option<Arc<Authority>>) {
        *self.authority.write() = authority;
    }

    /// Replaces the own certificate. Connections go on with the one they were made with.
    ///
    /// # Errors
    /// When the credentials cannot be used, or are another node's or cluster's.
    pub fn renew(&self, credentials: Credentials) -> Result<(), TrustError> {
        self.accepts(&credentials)?;
        let own = Own::of(credentials)?;
        *self.own.write() = own;
        Ok(())
    }

    /// Whether [`Self::renew`] would take them, as far as names go.
    ///
    /// # Errors
    /// When it would not.
    pub fn accepts(&self, credentials: &Credentials) -> Result<(), TrustError> {
        let own = credentials.issued.node == self.node()
            && Fingerprint::of(&credentials.authority()?) == self.fingerprint;
        own.then_some(())
            .ok_or_else(|| TrustError::NotANode("it is for another node or cluster".into()))
    }

    /// Replaces the set of who is refused.
    pub fn forbid(&self, forbidden: Forbidden) {
        self.forbidden.send_if_modified(|now| {
            let changed = **now != forbidden;
            if changed {
                *now = Arc::new(forbidden);
            }
            changed
        });
    }

    /// Who is refused, and when that changes.
    #[must_use]
    pub fn forbidden(&self) -> watch::Receiver<Arc<Forbidden>> {
        self.forbidden.subscribe()
    }

    /// As [`Forbidden::judge`] says now.
    pub(in crate::link) fn judge(&self, identity: &Identity) -> Result<bool, Reason> {
        self.forbidden.borrow().judge(identity)
    }

    /// Who was turned away.
    #[must_use]
    pub const fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    pub(in crate::link) fn shown(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.own.read().shown)
    }

    const fn chains(&self) -> &verify::Chains {
        &self.chains
    }

    /// Our rules beyond the chain, but for the key: whether that is on record may be known a moment later, and is told
    /// in words. A refusal is counted.
    pub(in crate::link) fn admitted(
        &self,
        certificate: &CertificateDer<'_>,
    ) -> Result<Identity, Reason> {
        let Ok(identity) = certificate::identity(certificate) else {
            self.refusals.count(Reason::Malformed, None);
            return Err(Reason::Malformed);
        };
        if self.forbidden.borrow().is_revoked(&identity) {
            self.refusals.count(Reason::Revoked, Some(identity.node));
            return Err(Reason::Revoked);
        }
        Ok(identity)
    }
}

#[cfg(test)]
mod tests;
