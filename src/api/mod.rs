//! L4. The operators' HTTP API, one file per noun.
//!
//! Handlers are thin: they check the request, ask the store or the actors, and say what happened in an
//! event. Every refusal leaves as one JSON object ([`weir_model::ApiError`]) that the outermost layer
//! ([`request`]) stamps with the request's id. Everything but the version and the API's own description
//! needs a token, and each route names the action that its bearer must be allowed to do ([`auth`]).

mod access;
mod accounts;
mod acts;
mod approvals;
mod audit;
mod auth;
mod boards;
mod channels;
mod cluster;
mod error;
mod events;
mod explain;
mod extract;
mod keys;
mod ledger;
mod live;
mod memberships;
mod money;
mod node;
mod nodes;
mod openapi;
mod payments;
mod payouts;
mod placements;
mod playback;
mod providers;
mod request;
mod rights;
mod serve;
mod sessions;
mod streams;
mod tickets;
mod tokens;
mod viewings;
mod wallets;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_model::ChannelName;
use weir_people::Action;
use weir_provider::event::EVENT_BYTES_MAX;

use crate::actors::events::Events;
use crate::actors::people::People;
use crate::actors::providers::Providers;
use crate::actors::tasks::Tasks;
use crate::store::Store;

use auth::{On, needs};

pub use audit::Audit;
pub use boards::Boards;
pub use cluster::{Answer, Cluster};
pub use live::{Live, Reply};
pub use money::{Cashier, Money, Told};
pub use node::StatusFn;
pub use playback::PlaybackFn;
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
    money: Arc<dyn Money>,
    audit: Arc<dyn Audit>,
    boards: Arc<dyn Boards>,
    fee_bps: u32,
    approve_above: Option<String>,
    playback: PlaybackFn,
    providers: Providers,
    /// Places for events of providers.
    webhooks: Arc<Semaphore>,
    events: Events,
    people: People,
    tasks: Tasks,
    status: StatusFn,
    addresses: Arc<Addresses>,
    followers: Arc<Semaphore>,
}

/// What a [`Context`] is made of.
pub struct Parts {
    /// What is durable.
    pub store: Store,
    /// Streams and viewings of all nodes; a [`Reach`](crate::actors::reach::Reach) in a node.
    pub live: Arc<dyn Live>,
    /// The cluster.
    pub cluster: Arc<dyn Cluster>,
    /// The ledger.
    pub money: Arc<dyn Money>,
    /// Keeps the audit log.
    pub audit: Arc<dyn Audit>,
    /// What running sessions cost until now.
    pub boards: Arc<dyn Boards>,
    /// The platform's part of what streamers earn, in hundredths of a percent.
    pub fee_bps: u32,
    /// More than this, decimal text, staff moves only when two of them want it.
    pub approve_above: Option<String>,
    /// Makes tokens for players.
    pub playback: PlaybackFn,
    /// The payment providers.
    pub providers: Providers,
    /// The node's event log.
    pub events: Events,
    /// Hashes passwords.
    pub people: People,
    /// The node's loops.
    pub tasks: Tasks,
    /// Measures the node.
    pub status: StatusFn,
    /// Where it is reached.
    pub addresses: Addresses,
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
    /// Everything a handler may use.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { store, live, cluster, money, audit, boards, fee_bps, playback, .. } = parts;
        let Parts { approve_above, providers, events, people, tasks, status, addresses, .. } =
            parts;
        let webhooks = Arc::new(Semaphore::new(providers::WEBHOOKS_MAX));
        let (addresses, followers) = (Arc::new(addresses), Arc::new(Semaphore::new(FOLLOWERS_MAX)));
        Self {
            store,
            live,
            cluster,
            money,
            audit,
            boards,
            fee_bps,
            approve_above,
            playback,
            providers,
            webhooks,
            events,
            people,
            tasks,
            status,
            addresses,
            followers,
        }
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
    let webhooks = OpenApiRouter::new().routes(routes!(providers::hear));
    OpenApiRouter::new()
        .routes(routes!(node::version))
        .routes(routes!(openapi::document))
        .merge(webhooks.layer(DefaultBodyLimit::max(EVENT_BYTES_MAX)))
}

fn guarded_routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(needs(Action::ClusterRead, On::Any, routes!(node::status)))
        .routes(needs(Action::ChannelRead, On::Some, routes!(channels::list)))
        .routes(needs(Action::ChannelCreate, On::Any, routes!(channels::create)))
        .routes(needs(Action::ChannelRead, On::Channel, routes!(channels::show)))
        .routes(needs(Action::ChannelDelete, On::Channel, routes!(channels::delete)))
        .routes(needs(Action::KeyRead, On::Channel, routes!(keys::list)))
        .routes(needs(Action::KeyCreate, On::Channel, routes!(keys::create)))
        .routes(needs(Action::KeyCreate, On::Channel, routes!(keys::rotate)))
        .routes(needs(Action::KeyRevoke, On::Channel, routes!(keys::revoke)))
        .routes(needs(Action::StreamRead, On::Some, routes!(streams::list)))
        .routes(needs(Action::StreamRead, On::Channel, routes!(streams::show)))
        .routes(needs(Action::StreamRead, On::Channel, routes!(streams::explain)))
        .routes(needs(Action::StreamEnd, On::Channel, routes!(streams::kick)))
        .routes(needs(Action::ViewingRead, On::Some, routes!(viewings::list)))
        .routes(needs(Action::ViewingKick, On::Some, routes!(viewings::kick)))
        .routes(needs(Action::EventRead, On::Any, routes!(events::list)))
        .routes(needs(Action::AuditRead, On::Any, routes!(audit::list)))
        .merge(people_routes())
        .merge(session_routes())
        .merge(sale_routes())
        .merge(money_routes())
        .merge(cluster_routes())
}

fn people_routes() -> OpenApiRouter<Context> {
    let manage = |route| needs(Action::AccountManage, On::Any, route);
    OpenApiRouter::new()
        .routes(needs(Action::AccountRead, On::Any, routes!(accounts::list)))
        .routes(needs(Action::AccountRead, On::Any, routes!(accounts::show)))
        .routes(manage(routes!(accounts::create)))
        .routes(manage(routes!(accounts::set_roles)))
        .routes(manage(routes!(accounts::set_password)))
        .routes(manage(routes!(accounts::disable)))
        .routes(manage(routes!(accounts::enable)))
        .routes(needs(Action::AccountLogOut, On::Some, routes!(accounts::log_out)))
        .routes(needs(Action::TokenRead, On::Some, routes!(tokens::list)))
        .routes(needs(Action::TokenCreate, On::Some, routes!(tokens::create)))
        .routes(needs(Action::TokenRevoke, On::Some, routes!(tokens::revoke)))
        .routes(needs(Action::SelfRead, On::Some, routes!(rights::me)))
        .routes(needs(Action::SelfRead, On::Some, routes!(rights::can_i)))
}

fn session_routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(needs(Action::SessionRead, On::Some, routes!(sessions::list)))
        .routes(needs(Action::SessionRead, On::Some, routes!(sessions::show)))
        .routes(needs(Action::SessionOffer, On::Some, routes!(sessions::offer)))
        .routes(needs(Action::SessionJoin, On::Some, routes!(sessions::join)))
        .routes(needs(Action::SessionJoin, On::Some, routes!(sessions::leave)))
        .routes(needs(Action::SessionEnd, On::Some, routes!(sessions::end)))
}

fn sale_routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(needs(Action::SelfRead, On::Some, routes!(access::show)))
        .routes(needs(Action::PriceSet, On::Channel, routes!(access::set)))
        .routes(needs(Action::WalletRead, On::Some, routes!(memberships::list)))
        .routes(needs(Action::WalletSpend, On::Some, routes!(memberships::join)))
        .routes(needs(Action::WalletSpend, On::Some, routes!(memberships::lapse)))
        .routes(needs(Action::SelfRead, On::Some, routes!(tickets::list)))
        .routes(needs(Action::PriceSet, On::Some, routes!(tickets::open)))
        .routes(needs(Action::WalletSpend, On::Some, routes!(tickets::buy)))
        .routes(needs(Action::PriceSet, On::Some, routes!(tickets::end)))
        .routes(needs(Action::SelfRead, On::Some, routes!(playback::create)))
}

fn money_routes() -> OpenApiRouter<Context> {
    let read = |route| needs(Action::LedgerRead, On::Any, route);
    OpenApiRouter::new()
        .routes(read(routes!(ledger::show)))
        .routes(read(routes!(ledger::records)))
        .routes(read(routes!(ledger::explain)))
        .routes(read(routes!(ledger::trial_balance)))
        .routes(read(routes!(ledger::export)))
        .routes(read(routes!(ledger::verification, ledger::verify)))
        .routes(needs(Action::WalletRead, On::Some, routes!(wallets::show)))
        .routes(needs(Action::WalletRead, On::Some, routes!(wallets::statement)))
        .routes(needs(Action::WalletChange, On::Any, routes!(wallets::credit)))
        .routes(needs(Action::WalletChange, On::Any, routes!(wallets::freeze)))
        .routes(needs(Action::WalletChange, On::Any, routes!(wallets::unfreeze)))
        .routes(needs(Action::WalletSpend, On::Some, routes!(payments::tip)))
        .routes(needs(Action::Refund, On::Any, routes!(payments::refund)))
        .routes(needs(Action::WalletRead, On::Some, routes!(payouts::list)))
        .routes(needs(Action::PayoutRequest, On::Some, routes!(payouts::request)))
        .routes(needs(Action::PayoutApprove, On::Any, routes!(payouts::paid)))
        .routes(needs(Action::PayoutApprove, On::Any, routes!(payouts::fail)))
        .routes(read(routes!(approvals::list)))
        .routes(needs(Action::ApprovalDecide, On::Any, routes!(approvals::confirm)))
        .routes(needs(Action::ApprovalDecide, On::Any, routes!(approvals::reject)))
        .routes(read(routes!(providers::list)))
        .routes(read(routes!(providers::show)))
        .routes(needs(Action::WalletChange, On::Any, routes!(providers::dismiss)))
        .routes(needs(Action::WalletSpend, On::Some, routes!(providers::top_up)))
}

fn cluster_routes() -> OpenApiRouter<Context> {
    let read = |route| needs(Action::ClusterRead, On::Any, route);
    let change = |route| needs(Action::ClusterChange, On::Any, route);
    OpenApiRouter::new()
        .routes(read(routes!(placements::status)))
        .routes(read(routes!(placements::check)))
        .routes(change(routes!(placements::rebalance)))
        .routes(read(routes!(placements::links)))
        .routes(read(routes!(placements::replicas)))
        .routes(read(routes!(placements::actors)))
        .routes(change(routes!(placements::move_actor)))
        .routes(read(routes!(placements::explain_actor)))
        .routes(read(routes!(nodes::list)))
        .routes(read(routes!(nodes::show)))
        .routes(change(routes!(nodes::change)))
        .routes(read(routes!(nodes::invites)))
        .routes(change(routes!(nodes::invite)))
        .routes(change(routes!(nodes::revoke_invite)))
}

#[cfg(test)]
mod tests;
