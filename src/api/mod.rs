//! L4. The operators' HTTP API, one file per noun.
//!
//! Handlers are thin: they check the request, ask the store or the actors, and say what happened in an
//! event. Every refusal leaves as one JSON object ([`weir_model::ApiError`]) that the outermost layer
//! ([`request`]) stamps with the request's id. Everything but the version and the API's own description
//! needs the operator token.

mod auth;
mod channels;
mod cluster;
mod error;
mod events;
mod explain;
mod extract;
mod keys;
mod live;
mod node;
mod nodes;
mod openapi;
mod placements;
mod request;
mod serve;
mod streams;
mod viewings;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_model::ChannelName;

use crate::actors::events::Events;
use crate::actors::tasks::Tasks;
use crate::store::Store;

pub use cluster::{Answer, Cluster};
pub use live::{Live, Reply};
pub use node::StatusFn;
pub use serve::serve;

/// The longest body is a label, a date and a reason.
const BODY_BYTES_MAX: usize = 16 << 10;

/// Readers that follow events at the same time. Each holds a connection and a task; a script that opens
/// them in a loop must not take the API from the others. Further ones are refused with 503.
const FOLLOWERS_MAX: usize = 64;

/// What the API serves.
#[derive(Clone)]
pub struct Context {
    store: Store,
    live: Arc<dyn Live>,
    cluster: Arc<dyn Cluster>,
    events: Events,
    tasks: Tasks,
    status: StatusFn,
    addresses: Arc<Addresses>,
    followers: Arc<Semaphore>,
}

/// Where streamers and viewers reach this node, as told to operators.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// For the encoder, without the key: `rtmp://HOST:1935/live`.
    pub publish: String,
    /// Base of watch pages and playlists, without a slash at its end: `http://HOST:8080`.
    pub viewers: String,
}

impl Context {
    /// Everything a handler may use. `live` is a [`Reach`](crate::actors::reach::Reach) in a node.
    #[must_use]
    pub fn new(
        store: Store,
        live: Arc<dyn Live>,
        cluster: Arc<dyn Cluster>,
        events: Events,
        tasks: Tasks,
        status: StatusFn,
        addresses: Addresses,
    ) -> Self {
        let (addresses, followers) = (Arc::new(addresses), Arc::new(Semaphore::new(FOLLOWERS_MAX)));
        Self { store, live, cluster, events, tasks, status, addresses, followers }
    }

    /// The store, or its rehearsal for a dry run.
    fn store_for(&self, dry_run: bool) -> Store {
        if dry_run { self.store.rehearsal() } else { self.store.clone() }
    }
}

impl Addresses {
    fn watch_page(&self, channel: &ChannelName) -> String {
        format!("{}/watch/{channel}", self.viewers)
    }

    fn playlist(&self, channel: &ChannelName) -> String {
        format!("{}/live/{channel}/index.m3u8", self.viewers)
    }
}

/// The API as a service.
pub fn router(ctx: Context) -> axum::Router {
    let (open, _) = open_routes().split_for_parts();
    let (guarded, _) = guarded_routes().split_for_parts();
    let guarded = guarded.route_layer(middleware::from_fn_with_state(ctx.clone(), auth::require));
    open.merge(guarded)
        .fallback(error::no_such_route)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(request::handle))
        .with_state(ctx)
}

fn open_routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new().routes(routes!(node::version)).routes(routes!(openapi::document))
}

fn guarded_routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(node::status))
        .routes(routes!(channels::list, channels::create))
        .routes(routes!(channels::show, channels::delete))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::rotate))
        .routes(routes!(keys::revoke))
        .routes(routes!(streams::list))
        .routes(routes!(streams::show))
        .routes(routes!(streams::explain))
        .routes(routes!(streams::kick))
        .routes(routes!(viewings::list))
        .routes(routes!(viewings::kick))
        .routes(routes!(events::list))
        .merge(cluster_routes())
}

fn cluster_routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(placements::status))
        .routes(routes!(placements::check))
        .routes(routes!(placements::rebalance))
        .routes(routes!(placements::links))
        .routes(routes!(placements::replicas))
        .routes(routes!(placements::actors))
        .routes(routes!(placements::move_actor))
        .routes(routes!(placements::explain_actor))
        .routes(routes!(nodes::list))
        .routes(routes!(nodes::show))
        .routes(routes!(nodes::change))
        .routes(routes!(nodes::invites, nodes::invite))
        .routes(routes!(nodes::revoke_invite))
}

#[cfg(test)]
mod tests;
