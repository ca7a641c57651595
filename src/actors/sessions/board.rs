//! How the parties of a session stand, asked of the node that runs it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use weir_model::{AccountId, SessionId};
use weir_session::{Session, Standing};

use super::beats::{PER_REQUEST_MAX, Told};
use super::{Inner, Sessions, actor_of};
use crate::actors::reach::Gathered;
use crate::link::request::{Kind, Refusal, encoded, parsed};

/// Kind of the request for a board.
const BOARD: &str = "session.board";
/// The id of a session is all that it says.
const REQUEST_BYTES_MAX: usize = 64;
/// It is read from memory.
const PATIENCE: Duration = Duration::from_secs(1);

/// How parties stand that take part, by account.
pub type Standings = BTreeMap<AccountId, Standing>;

impl Sessions {
    /// How the parties of `session` stand, wherever it runs; empty while no node runs it. Names the node that runs it
    /// when that one does not answer.
    pub async fn standings(&self, session: &Session) -> Gathered<Standings> {
        if let Some(found) = self.board(session.id) {
            return Gathered { found, silent: Vec::new() };
        }
        let inner = &self.inner;
        let directory = inner.context.store.cluster();
        let lease = actor_of(session).and_then(|actor| directory.leases.of(&actor).cloned());
        let Some(lease) = lease.filter(|lease| lease.node != inner.node) else {
            return Gathered { found: Standings::new(), silent: Vec::new() };
        };
        let asked = inner.link.ask::<_, Vec<Told>>(lease.node, BOARD, &session.id, PATIENCE);
        match asked.await {
            Ok(told) => {
                let standings = told.into_iter().take(PER_REQUEST_MAX).map(Told::standing);
                Gathered { found: standings.collect(), silent: Vec::new() }
            }
            Err(error) => {
                tracing::warn!(node = %lease.node, session = %session.id, %error, "a node did not answer");
                let silent = vec![directory.members.name(lease.node)];
                Gathered { found: Standings::new(), silent }
            }
        }
    }
}

/// Says how the parties stand of what this node runs.
pub(super) fn serve(own: &Arc<Inner>) {
    let weak = Arc::downgrade(own);
    let limits = Kind { request_bytes_max: REQUEST_BYTES_MAX, ..Kind::default() };
    own.link.on_request(BOARD, limits, move |_, body| {
        let answer = weak.upgrade().map_or_else(
            || Err(Refusal::new("stopping", "the node stops")),
            |own| encoded(&own.told(parsed(&body)?)),
        );
        Box::pin(std::future::ready(answer))
    });
}

impl Inner {
    fn told(&self, session: SessionId) -> Vec<Told> {
        let running = self.running.read();
        let Some(one) = running.get(&session) else { return Vec::new() };
        let standings = one.meter.standings().into_iter();
        standings.map(|(account, standing)| Told::of(session, account, standing)).collect()
    }
}
