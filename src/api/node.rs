//! The node itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use weir_model::ApiError;
use weir_model::api::Version;
use weir_model::node::NodeStatus;

use super::Context;
use super::live::Reply;

/// Measures the node; the assembly knows how.
pub type StatusFn = Arc<dyn Fn() -> Reply<'static, NodeStatus> + Send + Sync>;

/// The node's condition.
#[utoipa::path(get, path = "/v1/status", tag = "node", responses(
    (status = 200, body = NodeStatus), (status = "default", body = ApiError),
))]
pub(super) async fn status(State(ctx): State<Context>) -> Json<NodeStatus> {
    Json((ctx.status)().await)
}

/// Program and API version. Needs no token.
#[utoipa::path(get, path = "/v1/version", tag = "node", security(()), responses(
    (status = 200, body = Version),
))]
pub(super) async fn version() -> Json<Version> {
    Json(Version { version: env!("CARGO_PKG_VERSION").into(), api: "v1".into() })
}
