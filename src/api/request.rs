//! What every request goes through: an id, a time limit, a net under panics, the log, the form of refusals.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use weir_model::{ApiError, ErrorCode};

use super::error::Refusal;
use crate::actors::clock;

/// A request writes to the disk at most a few times. The time covers the body, so that a slow sender cannot
/// hold a place; it ends when the answer begins, so that followers of events may stay.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// Name of the header with the request's id.
const REQUEST_ID: &str = "x-request-id";

/// The outermost layer.
pub(super) async fn handle(request: Request, next: Next) -> Response {
    let id = format!("req_{:016x}", getrandom::u64().unwrap_or_default());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let began = clock::monotonic_us();
    let work = AssertUnwindSafe(next.run(request)).catch_unwind();
    let mut response = match tokio::time::timeout(REQUEST_TIMEOUT, work).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Refusal::new(ErrorCode::Internal, "the request broke the node's code")
            .hint("look for the request's id in the node's log")
            .into_response(),
        Err(_) => Refusal::new(ErrorCode::Timeout, "the request took too long")
            .hint("a change may have been made all the same; look before you repeat it")
            .into_response(),
    };
    let refusal = response.extensions_mut().remove::<ApiError>();
    let us = clock::monotonic_us() - began;
    note(&id, &method, &path, response.status().as_u16(), us, refusal.as_ref());
    if let Some(refusal) = refusal {
        write_body(&mut response, ApiError { request_id: Some(id.clone()), ..refusal });
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Reads are many and dull; changes and refusals are what an operator looks for. The query stays out.
fn note(id: &str, method: &Method, path: &str, status: u16, us: i64, refusal: Option<&ApiError>) {
    let error = refusal.map(|refusal| refusal.message.as_str());
    if status >= 500 {
        tracing::error!(request_id = id, %method, path, status, us, error, "api request");
    } else if status >= 400 || !method.is_safe() {
        tracing::info!(request_id = id, %method, path, status, us, error, "api request");
    } else {
        tracing::debug!(request_id = id, %method, path, status, us, "api request");
    }
}

fn write_body(response: &mut Response, refusal: ApiError) {
    let json = axum::Json(refusal).into_response();
    let (parts, body) = json.into_parts();
    if let Some(kind) = parts.headers.get(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    // The empty body's length would cut the new one off.
    response.headers_mut().remove(header::CONTENT_LENGTH);
    *response.body_mut() = body;
}
