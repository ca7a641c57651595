//! Follows the directory: links with its members, refuses who was removed, and tells what changed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use weir_cluster::members::{Member, Members};
use weir_model::cluster::{Duty, NodeState};
use weir_model::{NodeId, Timestamp};

use super::lookup::{Book, Links};
use super::news::News;
use super::{Inner, Standing};
use crate::actors::clock;
use crate::actors::tasks::Handle;
use crate::link::peers::PeerAddress;
use crate::link::trust::{Forbidden, Trust};
use crate::store::Store;

/// Names are looked up again this often: a machine may have moved.
const LOOK_UP_EVERY: Duration = Duration::from_secs(30);

/// Follows the directory until the node stops.
pub(super) async fn run(own: Arc<Inner>, handle: Handle) {
    let mut changes = own.parts.store.cluster_changes();
    let mut news = own.news.subscribe();
    let mut seen: BTreeMap<NodeId, Member> = BTreeMap::new();
    let mut again = tokio::time::interval(LOOK_UP_EVERY);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut book, mut looked) = (Book::default(), Links::new());
    loop {
        changes.mark_unchanged();
        let directory = own.parts.store.cluster();
        let first = seen.is_empty();
        let now = directory.members.iter().map(|one| (one.id, one.clone())).collect();
        let before = std::mem::replace(&mut seen, now);
        if !first {
            own.tell(&before, &directory.members);
        }
        if !before.keys().eq(seen.keys()) {
            own.moved.store(true, Ordering::Relaxed);
            own.wake.notify_one();
        }
        if directory.members.was_removed(own.node) {
            own.leave();
        }
        own.parts.trust.forbid(removed(&directory.members));
        drop(directory);
        let links = links(&own, &seen, &news.borrow_and_update());
        // Before there is a directory, the link keeps whom the join named.
        if !links.is_empty() || !seen.is_empty() {
            // At once: who is among them is let in, also while its address is being looked up.
            own.parts.link.set_peers(book.peers(&links));
        }
        if looked != links && book.lacks(&links) {
            again.reset_immediately();
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            _ = news.changed() => {}
            _ = again.tick() => {
                book.look_up(&links).await;
                looked = links;
            }
            () = handle.stopping() => return,
        }
    }
}

/// What the copy of the directory on this node's disk says of those that the join named, before anybody is linked:
/// the link begins before its directory is followed.
pub fn prepare(store: &Store, trust: &Trust, mut named: Vec<PeerAddress>) -> Vec<PeerAddress> {
    let directory = store.cluster();
    trust.forbid(removed(&directory.members));
    if !directory.members.is_empty() {
        named.retain(|peer| directory.members.of(peer.node).is_some());
    }
    named
}

/// Whose certificates are refused.
fn removed(members: &Members) -> Forbidden {
    Forbidden { nodes: members.removed().iter().copied().collect(), ..Forbidden::default() }
}

/// Where everybody is to be found: members, and those that a member told of.
fn links(own: &Inner, members: &BTreeMap<NodeId, Member>, news: &News) -> Links {
    let members = members.values().map(|member| (member.id, member.profile.link.clone()));
    let all = news.links.clone().into_iter().chain(members);
    all.filter(|(node, _)| *node != own.node).collect()
}

impl Inner {
    fn tell(&self, before: &BTreeMap<NodeId, Member>, members: &Members) {
        for member in members.iter() {
            let old = before.get(&member.id);
            if old.is_none() {
                self.tell_of(member, "node.joined", "a node was admitted to the cluster");
            }
            if old.map(|old| (old.state, old.incarnation))
                != Some((member.state, member.incarnation))
                && let Some((kind, text)) = turn(member.state)
            {
                self.tell_of(member, kind, text);
            }
            if let Some(old) = old.filter(|old| old.voter != member.voter) {
                let text = if old.voter { "a node votes no longer" } else { "a node votes now" };
                self.tell_of(member, "node.voter", text);
            }
            if old.is_some_and(|old| old.duty != member.duty) {
                self.tell_of(member, "node.duty", duty(member.duty));
            }
        }
        for gone in before.values().filter(|old| members.of(old.id).is_none()) {
            self.tell_of(gone, "node.removed", "a node was removed from the cluster");
        }
    }

    /// This node was removed: whatever it still does is its own affair.
    pub(super) fn leave(&self) {
        let turned = self
            .standing
            .send_if_modified(|now| std::mem::replace(now, Standing::Removed) != Standing::Removed);
        if turned {
            let text = "this node was removed from the cluster; stop it, and invite it again on an empty data \
                        directory to have it back";
            self.parts.events.emit("node.left", None, text, &[]);
        }
    }

    fn tell_of(&self, member: &Member, kind: &str, text: &str) {
        if self.asked.tells(member.id, kind) {
            return;
        }
        let now: Timestamp = clock::now();
        let fields = [
            ("node", member.profile.name.clone()),
            ("id", member.id.to_string()),
            ("incarnation", member.incarnation.to_string()),
        ];
        tracing::debug!(%now, kind, "the members changed");
        self.parts.events.emit(kind, None, text, &fields);
    }
}

const fn turn(state: NodeState) -> Option<(&'static str, &'static str)> {
    match state {
        NodeState::Up => Some(("node.up", "a node takes part")),
        NodeState::Suspect => Some(("node.suspect", "a node is silent")),
        NodeState::Fenced => {
            Some(("node.fenced", "a node was silent for too long; others may own what it owned"))
        }
        NodeState::Joining | NodeState::Removed => None,
    }
}

const fn duty(duty: Duty) -> &'static str {
    match duty {
        Duty::Serving => "a node takes whatever it is given",
        Duty::Cordoned => "a node keeps what it has and gets nothing new",
        Duty::Draining => "a node is being emptied",
    }
}
