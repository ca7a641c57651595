//! The clock of all sessions that this node runs: each is looked at once a second, and not all of them at the same moment.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use weir_model::SessionId;

use super::{Inner, Running};
use crate::actors::clock;
use crate::actors::session::{Message, bytes_of};
use crate::actors::tasks::Handle;

/// How often a session is looked at: warnings and ends are exact to a second.
const TICK: Duration = Duration::from_secs(1);
/// A second has so many parts; a session is looked at in one of them.
const PARTS: usize = 20;

/// Runs until the node stops.
pub(super) async fn run(own: Arc<Inner>, handle: Handle) {
    let mut tick = tokio::time::interval(TICK / u32::try_from(PARTS).unwrap_or(1));
    // A late second is not followed by a short one: what passed is in the time that is read then.
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let all: Vec<SessionId> = own.running.read().keys().copied().collect();
        let of_part = all.len().div_ceil(PARTS).max(1);
        let mut parts = all.chunks(of_part);
        for _ in 0..PARTS {
            tokio::select! {
                _ = tick.tick() => {}
                () = handle.stopping() => return,
            }
            own.tick(parts.next().unwrap_or_default());
        }
    }
}

impl Inner {
    fn tick(&self, some: &[SessionId]) {
        let (now_ms, at) = (clock::monotonic_ms(), clock::now());
        let running = self.running.read();
        for Running { actor, session, meter, .. } in some.iter().filter_map(|id| running.get(id)) {
            let bytes = bytes_of(&self.context.streams, &session.channel);
            // What fails in one session must not stop the clock of all.
            match catch_unwind(AssertUnwindSafe(|| meter.tick(now_ms, at, bytes))) {
                Ok(deeds) if deeds.is_empty() => {}
                // An actor that is gone is replaced.
                Ok(deeds) => drop(actor.cast(Message::Carry(deeds))),
                Err(_) => actor.kill(),
            }
        }
    }
}
