//! Who may ask. There is one operator with one token today; scoped tokens come in here.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use weir_model::ErrorCode;

use super::Context;
use super::error::Refusal;

/// Lets requests with the operator token pass.
pub(super) async fn require(State(ctx): State<Context>, request: Request, next: Next) -> Response {
    let message = match bearer(request.headers()) {
        Some(token) if ctx.store.check_operator_token(token) => return next.run(request).await,
        Some(_) => "the token is not the operator token of this cluster",
        None => "this needs `authorization: Bearer TOKEN`",
    };
    let file = ctx.store.operator_token_file();
    Refusal::new(ErrorCode::Unauthorized, message)
        .hint(format!(
            "the token is in the file {} of the node's data directory, in a cluster of that of its first node, or of \
             the voter that last made a new one; name the file or a copy with WEIR_TOKEN_FILE or give its content in WEIR_TOKEN",
            file.file_name().unwrap_or_default().display()
        ))
        .into_response()
}

/// The token of RFC 6750 section 2.1; the scheme's case does not matter.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
