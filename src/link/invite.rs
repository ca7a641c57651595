//! Invitations: how a machine that knows nothing becomes a node.
//!
//! The token is a line that an operator carries over. It pins the cluster's authority by its fingerprint, so
//! the newcomer knows whom it talks to before it says the secret; the secret is good once and for a while. A
//! newcomer to whom the answer got lost asks again with the same key, and gets it again.
//! Whoever keeps the list of invitations stores [`Token::secret_hash`] and the expiry, never the token.

pub mod admit;
pub mod guests;
pub mod join;
pub(in crate::link) mod renewal;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use futures_util::future::BoxFuture;
use weir_model::{NodeId, Timestamp};

use super::peers::PeerAddress;
use super::request::Refusal;
use super::trust::certificate::{hex, unhex};
use super::trust::{Fingerprint, PublicKey, TrustError, files};

pub use join::{JoinError, Joined, Wish, join};

/// Says what the text is, and which version of it.
const PREFIX: &str = "weir1_";
const FINGERPRINT_BYTES: usize = 32;
const SECRET_BYTES: usize = 16;
const EXPIRY_BYTES: usize = 8;
/// Enough to notice a letter that was lost on the way.
const CHECK_BYTES: usize = 4;
const BYTES: usize = FINGERPRINT_BYTES + SECRET_BYTES + EXPIRY_BYTES + CHECK_BYTES;

/// The one-time secret of an invitation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; SECRET_BYTES]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// What is stored and compared instead of the secret. `key` belongs to the cluster and stays the same.
    #[must_use]
    pub fn hash(&self, key: &[u8; 32]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(key);
        *hasher.update(b"weir invitation\0").update(&self.0).finalize().as_bytes()
    }
}

/// An invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// The cluster's authority.
    pub fingerprint: Fingerprint,
    /// End of its validity.
    pub expires_at: Timestamp,
    secret: Secret,
}

/// Text that is not a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an invitation: expected the whole line that `weir node invite` printed, `weir1_…`")]
pub struct InvalidToken;

impl Token {
    /// A new invitation to the cluster of this authority.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new(fingerprint: Fingerprint, expires_at: Timestamp) -> Result<Self, TrustError> {
        Ok(Self { fingerprint, expires_at, secret: Secret(files::random()?) })
    }

    /// What the list of invitations keeps.
    #[must_use]
    pub fn secret_hash(&self, key: &[u8; 32]) -> [u8; 32] {
        self.secret.hash(key)
    }

    fn payload(&self) -> Vec<u8> {
        let expires = self.expires_at.0.to_be_bytes();
        [&self.fingerprint.0[..], &self.secret.0[..], &expires[..]].concat()
    }
}

fn check(payload: &[u8]) -> Vec<u8> {
    blake3::hash(payload).as_bytes().iter().take(CHECK_BYTES).copied().collect()
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = self.payload();
        write!(f, "{PREFIX}{}{}", hex(&payload), hex(&check(&payload)))
    }
}

impl FromStr for Token {
    type Err = InvalidToken;

    fn from_str(text: &str) -> Result<Self, InvalidToken> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(InvalidToken)?;
        let bytes = unhex(digits).filter(|bytes| bytes.len() == BYTES).ok_or(InvalidToken)?;
        let (payload, told) = bytes.split_at(BYTES - CHECK_BYTES);
        if check(payload) != told {
            return Err(InvalidToken);
        }
        let (fingerprint, rest) = payload.split_at(FINGERPRINT_BYTES);
        let (secret, expires) = rest.split_at(SECRET_BYTES);
        Ok(Self {
            fingerprint: Fingerprint(fingerprint.try_into().map_err(|_| InvalidToken)?),
            secret: Secret(secret.try_into().map_err(|_| InvalidToken)?),
            expires_at: Timestamp(i64::from_be_bytes(
                expires.try_into().map_err(|_| InvalidToken)?,
            )),
        })
    }
}

/// What a newcomer asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The secret of its token.
    pub secret: Secret,
    /// The key that it wants a certificate for, and has shown that it holds.
    pub key: PublicKey,
    /// The key that it will show next, unless it is of a version that has none ready.
    pub next: Option<PublicKey>,
    /// The id it was born with; the certificate will carry it. Whoever admits must refuse an id that is known
    /// already, or a guest takes the place of a member.
    pub node: NodeId,
    /// The name it wants.
    pub name: String,
    /// The roles it wants.
    pub roles: BTreeSet<String>,
    /// Where it can be reached; what it says, so a hint only.
    pub addresses: Vec<SocketAddr>,
    /// Where it came from.
    pub from: SocketAddr,
    /// Its program version.
    pub program: String,
}

/// What a newcomer gets beside its certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Its roles, which may be fewer than it wanted. A `voter` gets the authority too.
    pub roles: BTreeSet<String>,
    /// Whom to connect with; the first [`SEEDS_MAX`](admit::SEEDS_MAX) are told, so voters stand first.
    pub peers: Vec<PeerAddress>,
}

/// Decides about newcomers, with the directory behind it.
pub trait Joins: Send + Sync {
    /// Admits or refuses. Must use up the invitation in the same step, so that it is good once; for the same node with
    /// the same key it stays good to the end of its life, and answers the same.
    ///
    /// # Errors
    /// A refusal as the newcomer's operator will read it; see [`Unwelcome`] for the usual ones.
    fn admit(&self, ask: Ask) -> BoxFuture<'static, Result<Admitted, Refusal>>;

    /// The roles that a node's renewed certificate carries; `now` are those of its present one.
    ///
    /// # Errors
    /// When the node should get no new certificate.
    fn roles(
        &self,
        node: NodeId,
        now: BTreeSet<String>,
    ) -> BoxFuture<'static, Result<BTreeSet<String>, Refusal>> {
        let _ = node;
        Box::pin(async move { Ok(now) })
    }
}

/// The usual reasons why a newcomer is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unwelcome {
    /// No invitation has this secret.
    #[error("no such invitation; make a new one with `weir node invite`")]
    Unknown,
    /// The invitation is too old.
    #[error("the invitation expired at {0}; make a new one with `weir node invite`")]
    Expired(Timestamp),
    /// Somebody joined with it.
    #[error("the invitation was used already; make a new one with `weir node invite`")]
    Used,
    /// It is not for these roles.
    #[error("the invitation is not for the role `{0}`; invite with `--roles`, or ask for fewer")]
    Role(String),
    /// This node cannot make certificates.
    #[error("this node is not a voter and cannot admit others; join at a voter")]
    NotAVoter,
    /// Too many at once.
    #[error("too many nodes are joining; try again in a minute")]
    Busy,
    /// The newcomer does not hold the key that it wants a certificate for, or its ask is not understood.
    #[error("the join request is not understood; use the program version of the cluster")]
    Malformed,
}

impl From<Unwelcome> for Refusal {
    fn from(why: Unwelcome) -> Self {
        let code = match why {
            Unwelcome::Unknown => "unknown_token",
            Unwelcome::Expired(_) => "expired_token",
            Unwelcome::Used => "used_token",
            Unwelcome::Role(_) => "role",
            Unwelcome::NotAVoter => "not_a_voter",
            Unwelcome::Busy => "busy",
            Unwelcome::Malformed => "malformed",
        };
        Self::new(code, why.to_string())
    }
}

#[cfg(test)]
mod tests;
