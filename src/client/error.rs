//! Why a request came to nothing.

use std::error::Error;

use weir_model::{ApiError, ErrorCode};

/// What the caller is told. No variant ever holds the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The node refused.
    #[error("{error}")]
    Api {
        /// Its words.
        error: ApiError,
        /// The HTTP status that carried them.
        status: u16,
    },
    /// Something answered that is not this API.
    #[error("{endpoint} does not answer like a Weir node: {cause}")]
    Decode {
        /// Who answered.
        endpoint: String,
        /// What is wrong with the answer.
        cause: String,
    },
    /// The endpoint cannot be used at all.
    #[error("`{endpoint}` is not an endpoint like http://127.0.0.1:7070: {cause}")]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        cause: String,
    },
    /// No answer in time.
    #[error("{endpoint} did not answer in time")]
    Timeout {
        /// Who was asked.
        endpoint: String,
    },
    /// Nobody there, or the connection broke.
    #[error("{endpoint} cannot be reached: {cause}")]
    Unreachable {
        /// Who was asked.
        endpoint: String,
        /// What the network said.
        cause: String,
    },
}

impl ClientError {
    pub(crate) fn transport(endpoint: &str, error: &reqwest::Error) -> Self {
        let endpoint = endpoint.to_owned();
        if error.is_connect() || !error.is_timeout() {
            return Self::Unreachable { endpoint, cause: root_cause(error) };
        }
        Self::Timeout { endpoint }
    }

    /// What to do about it, when somebody knows.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Api { error, .. } => error.hint.as_deref(),
            Self::Decode { .. } => {
                Some("look at the address: the API listens on port 7070 by default")
            }
            Self::Endpoint { .. } => None,
            Self::Timeout { .. } => Some("raise --timeout or look at the node's load"),
            Self::Unreachable { .. } => {
                Some("is the node running? name its API with --endpoint or WEIR_ENDPOINT")
            }
        }
    }

    /// Whether the same request may succeed later without anybody changing it.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Api { error, .. } => matches!(
                error.code,
                ErrorCode::Unavailable | ErrorCode::Timeout | ErrorCode::Internal
            ),
            Self::Decode { .. } | Self::Endpoint { .. } => false,
            Self::Timeout { .. } | Self::Unreachable { .. } => true,
        }
    }
}

/// The innermost reason says most: `connection refused` rather than `error sending request`.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
