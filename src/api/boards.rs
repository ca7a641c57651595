//! The running sessions as this API sees them.

use std::sync::Arc;

use weir_session::Session;

use super::live::Reply;
use crate::actors::reach::Gathered;
use crate::actors::sessions::{Sessions, Standings};

/// Whoever knows how the parties of running sessions stand.
pub trait Boards: Send + Sync {
    /// How those of `session` stand, wherever it runs; empty while no node runs it.
    fn standings(&self, session: Arc<Session>) -> Reply<'_, Gathered<Standings>>;
}

impl Boards for Sessions {
    fn standings(&self, session: Arc<Session>) -> Reply<'_, Gathered<Standings>> {
        Box::pin(async move { self.standings(&session).await })
    }
}
