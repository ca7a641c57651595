//! The clock of all sessions that this node runs: each is told once a second, and not all of them at the same moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::Inner;
use crate::actors::session::Message;
use crate::actors::tasks::Handle;

/// How often a session looks at its clock: warnings and ends are exact to a second.
const TICK: Duration = Duration::from_secs(1);
/// A second has so many parts; a session is told in one of them.
const PARTS: u32 = 20;

/// Runs until the node stops.
pub(super) async fn run(own: Arc<Inner>, handle: Handle) {
    let mut tick = tokio::time::interval(TICK / PARTS);
    // A late second is not followed by a short one: what passed is in the time that is read then.
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for part in (0..u128::from(PARTS)).cycle() {
        tokio::select! {
            _ = tick.tick() => {}
            () = handle.stopping() => return,
        }
        let running = own.running.read();
        let those = running.iter().filter(|(id, _)| u128::from(id.0) % u128::from(PARTS) == part);
        // An actor that is gone is replaced.
        those.for_each(|(_, one)| drop(one.actor.cast(Message::Tick)));
    }
}
