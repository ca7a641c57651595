//! Why the store did not do it.

use std::borrow::Cow;
use std::path::PathBuf;

use weir_model::text::InvalidText;

use super::InviteRefusal;

/// Why the store did not do it.
#[derive(Debug, Clone, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum StoreError {
    /// The rules of members and leases forbid it.
    #[error(transparent)]
    Cluster(weir_cluster::Refusal),
    /// The state forbids it.
    #[error("{0}")]
    Conflict(String),
    /// It is there already.
    #[error("{what} exists already")]
    Exists {
        /// Which thing.
        what: String,
    },
    /// A stored record cannot be read.
    #[error("the database is damaged: {0}; run `weir-node check --data DIR`")]
    Damaged(String),
    /// Another process has it open.
    #[error(
        "{} is in use by another weir-node; stop that one or choose another directory with --data",
        dir.display()
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
    },
    /// A value that cannot be stored.
    #[error("{0}")]
    Invalid(String),
    /// An invitation that is not good.
    #[error(transparent)]
    Invite(InviteRefusal),
    /// The disk or the database failed; nothing was acknowledged.
    #[error("the database failed: {0}")]
    Io(String),
    /// A named limit is reached.
    #[error("{what}: at most {limit}")]
    Limit {
        /// What is limited.
        what: Cow<'static, str>,
        /// How many.
        limit: usize,
    },
    /// The cluster takes no changes now; nothing was changed.
    #[error("{0}")]
    Unavailable(String),
    /// The cluster did not answer in time; the change may have been made.
    #[error("{0}")]
    Unanswered(String),
    /// The rules of private sessions forbid it.
    #[error(transparent)]
    Session(weir_session::Refusal),
    /// No such thing.
    #[error("{what} does not exist")]
    NotFound {
        /// Which thing.
        what: String,
    },
}

impl From<InvalidText> for StoreError {
    fn from(error: InvalidText) -> Self {
        Self::Invalid(error.to_string())
    }
}
