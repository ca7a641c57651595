//! Tells of connections that the link refused. A removed node tries again every second; that is told once a minute.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_model::NodeId;

use super::{Inner, now_ms};
use crate::actors::tasks::Handle;
use crate::link::trust::Reason;
use crate::link::trust::refusals::Refused;

/// The same refusal is told again after this time.
const AGAIN_MS: u64 = 60_000;
/// Refusals that are remembered in order not to be told again: more different ones than an operator looks at. Beyond
/// it all are forgotten, and some told again.
const REMEMBERED_MAX: usize = 256;

/// Tells until the node stops.
pub(super) async fn run(own: Arc<Inner>, handle: Handle) {
    let mut total = own.parts.trust.refusals().total();
    let mut told: BTreeMap<(Reason, Option<NodeId>), u64> = BTreeMap::new();
    let mut seen = 0;
    loop {
        let now = *total.borrow_and_update();
        let count = usize::try_from(now - seen).unwrap_or(usize::MAX);
        seen = now;
        for refused in own.parts.trust.refusals().newest().into_iter().rev().take(count) {
            own.tell_refusal(&mut told, &refused);
        }
        tokio::select! {
            changed = total.changed() => if changed.is_err() { return },
            () = handle.stopping() => return,
        }
    }
}

impl Inner {
    fn tell_refusal(&self, told: &mut BTreeMap<(Reason, Option<NodeId>), u64>, refused: &Refused) {
        let &Refused { reason, node, remote } = refused;
        // Whoever admits newcomers tells of them.
        if reason == Reason::Join {
            return;
        }
        let now = now_ms();
        told.retain(|_, at| now - *at < AGAIN_MS);
        if told.len() >= REMEMBERED_MAX {
            told.clear();
        }
        if told.contains_key(&(reason, node)) {
            return;
        }
        told.insert((reason, node), now);
        let mut fields = vec![("why", reason.as_str().to_owned())];
        fields.extend(node.map(|node| ("node", node.to_string())));
        fields.extend(remote.map(|remote| ("from", remote.to_string())));
        let name = |node| self.parts.store.cluster().members.name(node);
        let who = node.map_or_else(|| "somebody".to_owned(), name);
        let text = format!("a connection with {who} was refused: {reason}");
        self.parts.events.emit_refusal("link.refused", None, text, &fields);
    }
}
