//! The one shape in which the API refuses.

/// Stable words for scripts; the CLI maps each to an exit code.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The state forbids it now (already there, version changed, limit reached).
    Conflict,
    /// Known caller, not allowed.
    Forbidden,
    /// The node's own fault.
    Internal,
    /// The request is malformed.
    Invalid,
    /// No such thing.
    NotFound,
    /// It took too long.
    Timeout,
    /// Too often; the answer says when to come again.
    TooMany,
    /// No or wrong token.
    Unauthorized,
    /// Not now: starting, stopping or overloaded.
    Unavailable,
}

impl ErrorCode {
    /// The HTTP status that carries it.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Conflict => 409,
            Self::Forbidden => 403,
            Self::Internal => 500,
            Self::Invalid => 400,
            Self::NotFound => 404,
            Self::Timeout => 504,
            Self::TooMany => 429,
            Self::Unauthorized => 401,
            Self::Unavailable => 503,
        }
    }
}

/// A refusal: what went wrong and what to do.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    thiserror::Error,
    serde::Serialize,
    serde::Deserialize,
    utoipa::ToSchema,
)]
#[error("{message}")]
pub struct ApiError {
    /// Stable word.
    pub code: ErrorCode,
    /// What went wrong, for people.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Finds the request in the node's log.
    pub request_id: Option<String>,
}

impl ApiError {
    /// A refusal with a code and a sentence.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, request_id: None }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
