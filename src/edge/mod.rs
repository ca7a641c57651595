//! L4. Viewers: HTTP, HLS, the watch page and the gate.
//!
//! A request's way, in file order: [`http`] accepts the connection and reads the request, [`route`] takes its
//! path apart, [`gate`] says whether its viewer may watch, [`auth`] who it is, [`meet`] lets it into private sessions, [`hls`] answers from the stream's window, and
//! [`watch`] holds the page that people open; [`ready`] is for balancers. The path of media is short on purpose: no router, no
//! middleware, no copy of a media byte between the packager and the socket.

pub mod auth;
pub mod config;
pub mod gate;
pub mod gauges;
pub mod hls;
pub mod http;
pub mod meet;
pub mod metrics;
pub mod ready;
pub mod route;
#[cfg(test)]
pub(crate) mod testing;
pub mod ticket;
pub mod watch;

use std::sync::Arc;

use tokio::sync::watch::Receiver;
use weir_model::{Access, AccountId, ChannelName, SessionId, Timestamp, TokenId};
use weir_session::{Door, Screen};

use crate::actors::events::Events;
use crate::actors::people::People;
use crate::actors::placement::{Placement, Watched};
use crate::actors::slots::Slots;
use crate::actors::streams::{PublicStream, Streams};
use crate::actors::tasks::Tasks;
use crate::actors::viewings::Viewings;
use crate::store::{Standing, Store};

pub use config::Config;
pub use http::listen;
pub use metrics::Metrics;

/// Where the edge finds streams, the channels' titles, and who may see what.
pub trait Lookup: Send + Sync + 'static {
    /// A channel's stream, wherever it is packaged; none when there was none lately. It is copied to this node for
    /// as long as the answer is held, and a little longer.
    fn stream(&self, channel: &ChannelName) -> Option<Watched>;

    /// Every stream that is packaged or copied here.
    fn streams(&self) -> Vec<Arc<PublicStream>>;

    /// A channel's title; none when there is no such channel.
    fn title(&self, channel: &ChannelName) -> Option<String>;

    /// Who sees what of a channel; none when everybody sees all of it.
    fn screen(&self, channel: &ChannelName) -> Option<Arc<Screen>>;

    /// Whether a channel is everybody's.
    fn door(&self, channel: &ChannelName) -> Door;

    /// Whether an account may watch a channel that is not.
    fn admits(&self, channel: &ChannelName, account: AccountId, now: Timestamp) -> bool;

    /// What opens a channel, in words for its page.
    fn access(&self, channel: &ChannelName) -> Access;

    /// Whether this node has heard that a private session had its stream.
    fn knows_veil(&self, session: SessionId) -> bool;

    /// Changes whenever a private session did.
    fn session_changes(&self) -> Receiver<u64>;

    /// How an account stands that is known by a token; none when it can do nothing.
    fn standing(&self, account: AccountId, token: TokenId) -> Option<Standing>;

    /// Whether somebody is known still.
    fn stands(&self, standing: &Standing, now: Timestamp) -> bool;
}

/// The node's own streams and channels.
pub struct NodeLookup {
    /// Its streams.
    pub streams: Streams,
    /// Streams of other nodes.
    pub placement: Placement,
    /// Its channels.
    pub store: Store,
}

impl Lookup for NodeLookup {
    fn stream(&self, channel: &ChannelName) -> Option<Watched> {
        self.placement.watch(channel)
    }

    fn streams(&self) -> Vec<Arc<PublicStream>> {
        self.streams.all_public()
    }

    fn title(&self, channel: &ChannelName) -> Option<String> {
        self.store.channel(channel).ok().map(|channel| channel.title)
    }

    fn screen(&self, channel: &ChannelName) -> Option<Arc<Screen>> {
        self.store.screen(channel)
    }

    fn door(&self, channel: &ChannelName) -> Door {
        self.store.door(channel)
    }

    fn admits(&self, channel: &ChannelName, account: AccountId, now: Timestamp) -> bool {
        self.store.admits(channel, account, now)
    }

    fn access(&self, channel: &ChannelName) -> Access {
        self.store.channel(channel).map(|channel| channel.access).unwrap_or_default()
    }

    fn knows_veil(&self, session: SessionId) -> bool {
        self.store.knows_veil(session)
    }

    fn session_changes(&self) -> Receiver<u64> {
        self.store.session_changes()
    }

    fn standing(&self, account: AccountId, token: TokenId) -> Option<Standing> {
        self.store.standing(account, Some(token))
    }

    fn stands(&self, standing: &Standing, now: Timestamp) -> bool {
        self.store.stands(standing, now)
    }
}

/// What every request may need.
pub struct Context {
    /// Limits.
    pub config: Config,
    /// Streams and titles.
    pub lookup: Box<dyn Lookup>,
    /// Who watches.
    pub viewings: Viewings,
    /// Who signs in.
    pub people: People,
    /// Private sessions.
    pub meetings: Box<dyn meet::Meetings>,
    /// The node's event log.
    pub events: Events,
    /// The node's loops.
    pub tasks: Tasks,
    /// What is counted.
    pub metrics: Metrics,
    /// Issues and reads playback tokens.
    pub tickets: ticket::Tickets,
    /// Open connections, in all and by address.
    pub slots: Slots,
    /// Whether balancers should send viewers elsewhere.
    pub away: ready::Away,
}
