//! Learns of members that are newer than this node's copy of the directory from members that it knows.
//!
//! The directory comes from the leader alone. A node that was off while another one joined and was elected knows
//! nobody who would send it anything: it refuses the new leader as unknown, or, when its own id is the lower one, is
//! the one who should dial and has no address; or it knows the leader, but not the key that it shows since it was
//! renewed twice. So whenever an unknown node knocks, and while no leader counts on this node, a member that is linked
//! is asked whom it knows. (The log's own word on who leads may be of last week.) Only its newer answer counts, only
//! until the own copy is as new, and only for whom this copy does not call removed. A node all of whose known members
//! are gone has nobody to ask, and believes nobody: it is to be invited again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use weir_cluster::Directory;
use weir_cluster::limits::NODES_MAX;
use weir_cluster::members::Keys;
use weir_model::NodeId;

use super::lookup::Links;
use super::{Inner, now_ms};
use crate::actors::tasks::Handle;
use crate::link::request::{Kind, Refusal};

/// Request: whom do you know that I do not?
const KIND: &str = "cluster.members";
/// Who does not answer in this time is not asked again in this round.
const DEADLINE: Duration = Duration::from_millis(500);
/// Between two looks whether a leader counts on this node.
const EVERY: Duration = Duration::from_secs(1);
/// Between two rounds of questions, however many knock: a node that knocks waits a second.
const PAUSE: Duration = Duration::from_millis(200);
/// Members that are asked in a round. The next round goes on with others.
const ASKED_MAX: usize = 3;
/// News that nobody confirmed for so long is forgotten.
const LIFE_MS: u64 = 60_000;

#[derive(Debug, Serialize, Deserialize)]
struct Question {
    /// The newest change of the members that the asker has.
    index: u64,
}

/// Nobody is in it when the asker knows all that the answerer does.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Answer {
    index: u64,
    members: Vec<Known>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Known {
    node: NodeId,
    link: String,
    #[serde(default)]
    keys: Keys,
}

/// Members that this node's copy of the directory does not have, or not with their newest address and keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct News {
    /// As of this change.
    index: u64,
    at_ms: u64,
    pub(super) links: Links,
    pub(super) keys: BTreeMap<NodeId, Keys>,
}

impl News {
    /// What `answer` tells to somebody with this directory as of change `index`.
    fn of(answer: Answer, directory: &Directory, index: u64, at_ms: u64) -> Option<Self> {
        if answer.index <= index {
            return None;
        }
        let members = &directory.members;
        let mut news = Self { index: answer.index, at_ms, ..Self::default() };
        for Known { node, link, keys } in answer.members.into_iter().take(NODES_MAX) {
            let member = members.of(node);
            if members.was_removed(node) {
                continue;
            }
            // Who moved while this node was off is looked for where it is.
            if member.is_none_or(|member| member.profile.link != link) {
                news.links.insert(node, link);
            }
            // One of a version that knows of no keys tells of none.
            let newer = member.is_none_or(|member| !member.profile.keys.has(&keys));
            if newer && !keys.is_empty() {
                news.keys.insert(node, keys);
            }
        }
        Some(news)
    }

    /// Whether it still says more than a directory as of change `index`.
    const fn counts(&self, index: u64, now_ms: u64) -> bool {
        index < self.index && now_ms.saturating_sub(self.at_ms) < LIFE_MS
    }
}

/// Answers the questions of others from now on. The link lets members only come this far.
pub(super) fn serve(own: &Arc<Inner>) {
    let inner = Arc::clone(own);
    own.parts.link.on_request(KIND, Kind::default(), move |_, body| {
        let answer = inner.tell_members(&body);
        Box::pin(std::future::ready(answer))
    });
}

/// Asks whenever it may be behind, until the node stops.
pub(super) async fn run(own: Arc<Inner>, handle: Handle) {
    let mut knocks = own.parts.link.knocks();
    let (mut alone, mut turn) = (false, 0);
    loop {
        let knocked = tokio::select! {
            changed = knocks.changed() => changed.is_ok(),
            () = tokio::time::sleep(EVERY) => false,
            () = handle.stopping() => return,
        };
        let was_alone = std::mem::replace(&mut alone, !own.lease.lock().is_valid(now_ms()));
        if knocked || (alone && was_alone) {
            own.ask(&mut turn).await;
        }
        let index = own.index();
        own.news.send_if_modified(|news| {
            let over = *news != News::default() && !news.counts(index, now_ms());
            if over {
                *news = News::default();
            }
            over
        });
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = handle.stopping() => return,
        }
    }
}

impl Inner {
    /// The newest change of the members that is here.
    fn index(&self) -> u64 {
        *self.parts.store.cluster_changes().borrow()
    }

    fn tell_members(&self, body: &[u8]) -> Result<Bytes, Refusal> {
        let question: Question = serde_json::from_slice(body)
            .map_err(|error| Refusal::new("malformed", error.to_string()))?;
        // Read first: the directory is at least as new.
        let index = self.index();
        let mut answer = Answer { index, members: Vec::new() };
        if index > question.index {
            let known = |member: &weir_cluster::members::Member| Known {
                node: member.id,
                link: member.profile.link.clone(),
                keys: member.profile.keys.clone(),
            };
            answer.members = self.parts.store.cluster().members.iter().map(known).collect();
        }
        let body = serde_json::to_vec(&answer);
        body.map(Bytes::from).map_err(|error| Refusal::new("internal", error.to_string()))
    }

    /// Asks a few of the linked members, beginning with another one each time.
    async fn ask(&self, turn: &mut usize) {
        let index = self.index();
        let Ok(question) = serde_json::to_vec(&Question { index }) else { return };
        let directory = self.parts.store.cluster();
        // Before there is a directory, those that the join named are all there is.
        let believed = |node| directory.members.is_empty() || directory.members.of(node).is_some();
        let linked = self.parts.link.peers().into_iter().filter(|peer| peer.control.is_some());
        let linked: Vec<NodeId> = linked.map(|peer| peer.node).filter(|id| believed(*id)).collect();
        *turn = turn.wrapping_add(1);
        let from = *turn % linked.len().max(1);
        for node in linked.iter().cycle().skip(from).take(linked.len().min(ASKED_MAX)) {
            let body = Bytes::from(question.clone());
            let Ok(answer) = self.parts.link.call(*node, KIND, body, DEADLINE).await else {
                continue;
            };
            let Ok(answer) = serde_json::from_slice(&answer) else { continue };
            let Some(news) = News::of(answer, &directory, index, now_ms()) else { continue };
            tracing::info!(
                by = %node, members = news.links.len(), keys = news.keys.len(),
                "this node's copy of the directory is behind; a member told of newer members and keys"
            );
            self.news.send_replace(news);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_cluster::Command;
    use weir_cluster::members::{Change, KeyPrint, Profile};
    use weir_model::Incarnation;

    use super::*;

    fn join(id: u64) -> Command {
        let link = format!("10.0.0.{id}:1");
        let profile = Profile { name: format!("n{id}"), link, ..Profile::default() };
        Command::Member(Change::Join { id: NodeId(id), profile })
    }

    fn directory() -> Directory {
        let mut directory = Directory::default();
        let leaves = Command::Member(Change::Remove { id: NodeId(2) });
        for (index, command) in [join(1), join(2), leaves].iter().enumerate() {
            directory.apply(index as u64 + 1, command).unwrap();
        }
        directory
    }

    fn answer(index: u64, nodes: &[u64]) -> Answer {
        let known = |id: &u64| Known {
            node: NodeId(*id),
            link: format!("10.0.0.{id}:1"),
            keys: Keys::default(),
        };
        Answer { index, members: nodes.iter().map(known).collect() }
    }

    #[test]
    fn only_a_newer_answer_is_news_of_nodes_that_are_unknown_here_or_moved_and_not_removed() {
        let directory = directory();
        assert_eq!(News::of(answer(3, &[1, 4]), &directory, 3, 0), None);
        let news = News::of(answer(4, &[1, 2, 4]), &directory, 3, 0).unwrap();
        assert_eq!(news.links, Links::from([(NodeId(4), "10.0.0.4:1".to_owned())]));
        let mut moved = answer(4, &[1]);
        moved.members[0].link = "10.0.0.9:1".into();
        let news = News::of(moved, &directory, 3, 0).unwrap();
        assert_eq!(news.links, Links::from([(NodeId(1), "10.0.0.9:1".to_owned())]));
        let many: Vec<u64> = (10..10 + 2 * NODES_MAX as u64).collect();
        let news = News::of(answer(4, &many), &directory, 3, 0).unwrap();
        assert_eq!(news.links.len(), NODES_MAX);
    }

    #[test]
    fn keys_that_this_copy_does_not_have_are_news_of_members_too() {
        let keys = |of: u8| Keys::from([KeyPrint([of; 32])]);
        let mut told = answer(4, &[1, 2, 4, 5]);
        told.members.iter_mut().take(3).for_each(|one| one.keys = keys(1));
        let mut directory = directory();
        let news = News::of(told, &directory, 3, 0).unwrap();
        let expected = [(NodeId(1), keys(1)), (NodeId(4), keys(1))];
        assert_eq!(news.keys, expected.into(), "neither of who was removed nor of who named none");
        let profile = Profile { name: "n1".into(), keys: keys(1), ..Profile::default() };
        let start = Change::Start { id: NodeId(1), incarnation: Incarnation(1), profile };
        directory.apply(4, &Command::Member(start)).unwrap();
        let mut told = answer(5, &[1]);
        told.members[0].keys = keys(1);
        assert_eq!(News::of(told, &directory, 4, 0).unwrap().keys, BTreeMap::new());
    }

    #[test]
    fn news_count_until_the_own_copy_is_as_new_or_nobody_confirms_them() {
        let news = News::of(answer(9, &[4]), &directory(), 3, 1000).unwrap();
        assert!(news.counts(8, 1000 + LIFE_MS - 1));
        assert!(!news.counts(9, 1000));
        assert!(!news.counts(3, 1000 + LIFE_MS));
    }
}
