//! Follows the directory: links with its members, refuses who was removed, and tells what changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use weir_cluster::members::{Member, Members, WhyFenced};
use weir_model::cluster::{Duty, NodeState};
use weir_model::{NodeId, Timestamp};

use super::lookup::{Book, Links};
use super::news::News;
use super::{Inner, Standing, now_ms};
use crate::actors::clock;
use crate::actors::tasks::Handle;
use crate::link::peers::PeerAddress;
use crate::link::trust::{Fingerprint, Forbidden, Trust};
use crate::store::Store;

/// Names are looked up again this often: a machine may have moved.
const LOOK_UP_EVERY: Duration = Duration::from_secs(30);

/// Follows the directory until the node stops.
pub(super) async fn run(own: Arc<Inner>, handle: Handle) {
    let mut changes = own.parts.store.cluster_changes();
    let (mut news, mut standing) = (own.news.subscribe(), own.standing.subscribe());
    let mut seen: BTreeMap<NodeId, Member> = BTreeMap::new();
    let mut again = tokio::time::interval(LOOK_UP_EVERY);
    again.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut book, mut looked) = (Book::default(), Links::new());
    loop {
        changes.mark_unchanged();
        let directory = own.parts.store.cluster();
        own.fencings.lock().look(&directory.members, now_ms());
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
        let links = {
            let news = news.borrow_and_update();
            own.parts.trust.forbid(forbidden(&directory.members, &news));
            links(&own, &seen, &news)
        };
        drop(directory);
        // Before there is a directory, the link keeps whom the join named.
        if !links.is_empty() || !seen.is_empty() {
            // At once: who is among them is let in, also while its address is being looked up.
            let mut peers = book.peers(&links);
            if *standing.borrow_and_update() != Standing::Granted {
                peers.iter_mut().for_each(|peer| peer.addresses.extend(&own.parts.doors));
            }
            own.parts.link.set_peers(peers);
        }
        if looked != links && book.lacks(&links) {
            again.reset_immediately();
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            _ = news.changed() => {}
            _ = standing.changed() => {}
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
    trust.forbid(forbidden(&directory.members, &News::default()));
    if !directory.members.is_empty() {
        named.retain(|peer| directory.members.of(peer.node).is_some());
    }
    named
}

/// Whose certificates are refused: of who was removed all, of a member that names its keys those with another one.
fn forbidden(members: &Members, news: &News) -> Forbidden {
    let nodes = members.removed().iter().copied().collect();
    let on_record = members.iter().map(|member| (member.id, &member.profile.keys));
    let mut keys: BTreeMap<NodeId, BTreeSet<Fingerprint>> = BTreeMap::new();
    let newer = news.keys.iter().map(|(node, keys)| (*node, keys));
    for (node, named) in on_record.chain(newer) {
        if !named.is_empty() {
            let named = named.iter().map(|key| Fingerprint(key.0));
            keys.entry(node).or_default().extend(named);
        }
    }
    Forbidden { nodes, keys, ..Forbidden::default() }
}

/// Where everybody is to be found: members, and those that a member told of.
fn links(own: &Inner, members: &BTreeMap<NodeId, Member>, news: &News) -> Links {
    let members = members.values().map(|member| (member.id, member.profile.link.clone()));
    // Of two addresses the news are the newer one.
    let all = members.chain(news.links.clone());
    all.filter(|(node, _)| *node != own.node).collect()
}

impl Inner {
    fn tell(&self, before: &BTreeMap<NodeId, Member>, members: &Members) {
        for member in members.iter() {
            let old = before.get(&member.id);
            if old.is_none() {
                self.tell_of(member, "node.joined", "was admitted to the cluster");
            }
            if old.map(|old| (old.state, old.incarnation))
                != Some((member.state, member.incarnation))
                && let Some((kind, text)) = turn(member)
            {
                self.tell_of(member, kind, text);
            }
            if let Some(old) = old.filter(|old| old.voter != member.voter) {
                let text = if old.voter { "votes no longer" } else { "votes now" };
                self.tell_of(member, "node.voter", text);
            }
            if old.is_some_and(|old| old.duty != member.duty) {
                self.tell_of(member, "node.duty", duty(member.duty));
            }
        }
        for gone in before.values().filter(|old| members.of(old.id).is_none()) {
            self.tell_of(gone, "node.removed", "was removed from the cluster");
        }
    }

    /// This node was removed: whatever it still does is its own affair.
    pub(super) fn leave(&self) {
        let turned = self
            .standing
            .send_if_modified(|now| std::mem::replace(now, Standing::Removed) != Standing::Removed);
        if turned {
            let text = format!(
                "this node, {}, was removed from the cluster; stop it, and invite it again on an empty data \
                 directory to have it back",
                self.parts.profile.name
            );
            self.parts.events.emit("node.left", None, text, &[]);
        }
    }

    /// Tells what `member` did or what was done with it.
    fn tell_of(&self, member: &Member, kind: &str, what: &str) {
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
        let text = format!("node {} {what}", member.profile.name);
        self.parts.events.emit(kind, None, text, &fields);
    }
}

/// What a member's new state is called, and what it means behind the member's name.
const fn turn(member: &Member) -> Option<(&'static str, &'static str)> {
    match member.state {
        NodeState::Up => Some(("node.up", "takes part")),
        NodeState::Suspect => Some(("node.suspect", "is silent")),
        NodeState::Fenced => {
            let text = match member.fenced {
                WhyFenced::Silence => "was silent for too long; others may own what it owned",
                WhyFenced::Leave => "stops; others may own what it owned",
                WhyFenced::Operator => "was given up by an operator; others may own what it owned",
            };
            Some(("node.fenced", text))
        }
        NodeState::Joining | NodeState::Removed => None,
    }
}

const fn duty(duty: Duty) -> &'static str {
    match duty {
        Duty::Serving => "takes whatever it is given",
        Duty::Cordoned => "keeps what it has and gets nothing new",
        Duty::Draining => "is being emptied",
    }
}

#[cfg(test)]
mod tests {
    use weir_cluster::members::{Change, KeyPrint, Keys, Profile};

    use super::*;

    fn keys(of: &[u8]) -> Keys {
        of.iter().map(|key| KeyPrint([*key; 32])).collect()
    }

    #[test]
    fn a_member_is_believed_with_the_keys_on_record_and_with_those_that_a_newer_copy_has() {
        let mut members = Members::default();
        for (id, of) in [(1, &[1, 2][..]), (2, &[]), (3, &[7])] {
            let profile = Profile { name: format!("n{id}"), keys: keys(of), ..Profile::default() };
            members.apply(&Change::Join { id: NodeId(id), profile }).unwrap();
        }
        members.apply(&Change::Remove { id: NodeId(3) }).unwrap();
        let news = [(NodeId(1), keys(&[3, 4])), (NodeId(9), keys(&[8]))];
        let mut newer = News::default();
        newer.keys = news.into();
        let forbidden = forbidden(&members, &newer);
        let foreign = |node, key| forbidden.is_foreign(NodeId(node), Fingerprint([key; 32]));
        let believed = |node: u64| (1..10).filter(|key| !foreign(node, *key)).count();
        assert!((1..5).all(|key| !foreign(1, key)) && !foreign(9, 8));
        assert_eq!((believed(1), believed(9)), (4, 1));
        assert_eq!(believed(2), 9, "its version names none");
        assert_eq!(forbidden.nodes, [NodeId(3)].into());
    }
}
