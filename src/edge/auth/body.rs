//! Small JSON bodies, read with an end: in bytes and in time.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use weir_model::ErrorCode;

use super::Refused;

/// A name and a password, with room for what their characters are escaped to.
const BODY_BYTES_MAX: usize = 4 << 10;

/// One who sends his name letter by letter holds a connection, and no longer than this.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Reads a body of the type `application/json`; `shape` says for people what it has.
pub(in crate::edge) async fn json<T, B>(
    headers: &HeaderMap,
    body: B,
    shape: &str,
) -> Result<T, Refused>
where
    T: DeserializeOwned,
    B: http_body::Body<Data = Bytes> + Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let media = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/json") {
        let message = "the body must be JSON, with `content-type: application/json`";
        return Err(Refused::new(ErrorCode::Invalid, message));
    }
    let whole = Limited::new(body, BODY_BYTES_MAX).collect();
    let read = tokio::time::timeout(BODY_TIME, whole).await;
    let read =
        read.map_err(|_| Refused::new(ErrorCode::Timeout, "the body did not come in time"))?;
    let long = |_| {
        let message = format!("the body is broken, or longer than {BODY_BYTES_MAX} bytes");
        Refused::new(ErrorCode::Invalid, message)
    };
    let bytes = read.map_err(long)?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| {
        // What serde says may repeat a piece of what was sent, but for the place and the kind of the fault.
        let place = format!("line {}, column {}", error.line(), error.column());
        let message = format!("the body does not fit, at {place}; expected {shape}");
        Refused::new(ErrorCode::Invalid, message)
    })
}
