//! RTMP and RTMPS publishers.
//!
//! A publisher's bytes go down this list: [`listener`] accepts and bounds connections, [`conn`] owns one
//! socket and its deadlines, [`wire`] is everything of the protocol that needs no socket — [`handshake`],
//! [`chunk`] (chunks to [`message`]s), [`session`] (commands, with [`amf`], [`connect`] and [`key`], answered
//! through [`reply`]) — and [`demux`] turns tag bodies into the items of the stream's feed.
//!
//! `rml_rtmp` is named in this folder only. Its handshake and its writing half are used; what it
//! reads with is not, because legal input panics it and hostile input overflows its stack.

pub mod amf;
pub mod chunk;
pub mod config;
pub mod conn;
pub mod connect;
pub mod demux;
pub mod handshake;
mod journal;
pub mod key;
pub mod listener;
pub mod message;
pub mod refusal;
pub mod reply;
pub mod session;
#[cfg(test)]
mod testing;
pub mod wire;

use std::future::Future;

use crate::actors::events::Events;
use crate::actors::streams::{Publication, PublishRefusal, PublishRequest, Streams};
use crate::actors::tasks::Tasks;

use super::metrics::Metrics;

pub use config::Config;
pub use listener::spawn;

/// Who decides about publishers: [`Streams`], or a stand-in.
pub trait Door: Clone + Send + Sync + 'static {
    /// Lets a publisher in, or says why not.
    fn publish(
        &self,
        request: PublishRequest,
    ) -> impl Future<Output = Result<Publication, PublishRefusal>> + Send;
}

impl Door for Streams {
    fn publish(
        &self,
        request: PublishRequest,
    ) -> impl Future<Output = Result<Publication, PublishRefusal>> + Send {
        Self::publish(self, request)
    }
}

/// What the listeners need of the node.
#[derive(Clone)]
pub struct Context<D = Streams> {
    /// Decides about publishers.
    pub streams: D,
    /// Where refusals are written.
    pub events: Events,
    /// Runs the connections.
    pub tasks: Tasks,
    /// Counts.
    pub metrics: Metrics,
    /// Limits.
    pub config: Config,
}
