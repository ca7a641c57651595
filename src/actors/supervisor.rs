//! Watches the actors of the node. One that dies is told to the operator; the next publisher of its
//! channel gets a new one, whose numbering continues from the store.

use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};

use super::events::Events;

/// The supervisor takes no messages, only the deaths of its children.
#[derive(Debug)]
pub enum Message {}

/// The one supervisor of a node.
pub struct Supervisor;

impl Actor for Supervisor {
    type Msg = Message;
    type State = Events;
    type Arguments = Events;

    async fn pre_start(
        &self,
        _myself: ActorRef<Message>,
        events: Events,
    ) -> Result<Events, ActorProcessingErr> {
        Ok(events)
    }

    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<Message>,
        event: SupervisionEvent,
        events: &mut Events,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(actor, error) = event {
            let name = actor.get_name().unwrap_or_else(|| actor.get_id().to_string());
            let text = format!("actor {name} failed and will be started again when needed");
            events.emit("actor.failed", None, text, &[("error", error.to_string())]);
        }
        Ok(())
    }
}
