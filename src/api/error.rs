//! Refusals on their way out. They carry no body yet: [`super::request`] writes it, with the request's id.

use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use weir_cluster::members::ChangeRefusal;
use weir_model::text::InvalidText;
use weir_model::{ApiError, ErrorCode};

use crate::actors::people;
use crate::store::{InviteRefusal, StoreError};

/// Why a request is refused.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) ApiError);

impl Refusal {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(ApiError::new(code, message))
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self(self.0.hint(hint))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.http_status());
        let mut response = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        if self.0.code == ErrorCode::Unauthorized {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        response.extensions_mut().insert(self.0);
        response
    }
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

/// For whoever answers the API from below, as the cluster does.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Conflict(_) | StoreError::Exists { .. } | StoreError::Limit { .. } => {
                ErrorCode::Conflict
            }
            StoreError::Cluster(refusal) => of_cluster(refusal),
            StoreError::Invite(InviteRefusal::Unknown) => ErrorCode::NotFound,
            StoreError::Invite(_) => ErrorCode::Conflict,
            StoreError::Session(refusal) => of_session(refusal),
            StoreError::Invalid(_) => ErrorCode::Invalid,
            StoreError::NotFound { .. } => ErrorCode::NotFound,
            StoreError::Unavailable(_) => ErrorCode::Unavailable,
            StoreError::Unanswered(_) => ErrorCode::Timeout,
            StoreError::Damaged(_) | StoreError::InUse { .. } | StoreError::Io(_) => {
                ErrorCode::Internal
            }
        };
        let refusal = Self::new(code, error.to_string());
        match &error {
            StoreError::NotFound { what } if what.starts_with("channel") => {
                refusal.hint("`weir channel list` shows the channels there are")
            }
            StoreError::NotFound { what } if what.starts_with("account") => {
                refusal.hint("`weir account list` shows the accounts there are")
            }
            StoreError::Io(_) => refusal.hint("nothing was acknowledged; look at the node's log"),
            _ => refusal,
        }
    }
}

const fn of_session(refusal: &weir_session::Refusal) -> ErrorCode {
    use weir_session::Refusal as No;
    match refusal {
        No::Unknown(_) | No::NoParty => ErrorCode::NotFound,
        No::Invalid(_) => ErrorCode::Invalid,
        No::NotInvited | No::IsHost => ErrorCode::Forbidden,
        No::Busy(..)
        | No::Over
        | No::OtherPrice
        | No::Full
        | No::Worn
        | No::TooOften
        | No::IsIn
        | No::Alone => ErrorCode::Conflict,
    }
}

fn of_cluster(refusal: &weir_cluster::Refusal) -> ErrorCode {
    match refusal {
        weir_cluster::Refusal::Member(ChangeRefusal::Unknown) => ErrorCode::NotFound,
        weir_cluster::Refusal::Member(ChangeRefusal::TooLong) => ErrorCode::Invalid,
        weir_cluster::Refusal::Member(_) | weir_cluster::Refusal::Lease(_) => ErrorCode::Conflict,
    }
}

impl From<people::Refusal> for Refusal {
    fn from(refusal: people::Refusal) -> Self {
        Self(refusal.into())
    }
}

impl From<InvalidText> for Refusal {
    fn from(error: InvalidText) -> Self {
        Self::new(ErrorCode::Invalid, error.to_string())
    }
}

/// Answers paths that lead nowhere.
pub(super) async fn no_such_route(uri: Uri) -> Refusal {
    Refusal::new(ErrorCode::NotFound, format!("there is no {}", uri.path()))
        .hint("GET /v1/openapi.json lists what there is")
}

/// Answers methods that a path does not know (RFC 9110 section 15.5.6).
pub(super) async fn no_such_method(method: Method, uri: Uri) -> Response {
    let message = format!("{} does not take {method}", uri.path());
    let refusal = Refusal::new(ErrorCode::Invalid, message)
        .hint("GET /v1/openapi.json lists what each path takes");
    let mut response = refusal.into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
