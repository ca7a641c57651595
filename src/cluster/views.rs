//! The cluster as its operators see it: the plain data of [`weir_model::cluster`], made of the directory and of what
//! one node knows softly beside it (loads, silence, clocks, links, agreement).
//!
//! Whoever answers operators gathers [`Facts`] and asks the functions here; a lone node has a directory of one
//! ([`alone`]) and needs nothing else. Changes are tried on a copy first ([`rehearse`]), so that a dry run is refused
//! by the same rule as the change itself.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::cluster::{
    ClusterNode, ClusterStatus, Duty, LeaseInfo, LinkInfo, LinkState, MovePlan, NodeChange,
    NodeChanged, NodeDetail, NodeState, Quorum, RaftInfo, RaftPeer, RaftRole, ReplicaInfo,
    VersionCount,
};
use weir_model::{ApiError, ErrorCode, Incarnation, NodeId, Timestamp};

use crate::Directory;
use crate::members::{Change, ChangeRefusal, Changed, Member, Members, Profile, WhyFenced};
use crate::placement::{self, View};

mod findings;
mod ready;

pub use findings::{
    LAG_WARNING, LOSS_WARNING_PPM, QUORUM_AGE_BAD_MS, SKEW_BAD_MS, SKEW_WARNING_MS, findings,
};
pub use ready::away;

/// The agreement as one node's consensus reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    /// What the node is.
    pub role: RaftRole,
    /// Who leads, as far as it knows.
    pub leader: Option<NodeId>,
    /// Rises with each election.
    pub term: u64,
    /// Index of its newest entry.
    pub last_log: u64,
    /// Index of the newest entry that it made.
    pub applied: u64,
    /// Index of the newest entry in its snapshot.
    pub snapshot: Option<u64>,
    /// Time since most voters answered, milliseconds; on the leader.
    pub quorum_age_ms: Option<u64>,
    /// Entries each of the others is behind; on the leader.
    pub lags: BTreeMap<NodeId, u64>,
}

impl Agreement {
    /// A node that agrees with itself.
    #[must_use]
    pub const fn alone(node: NodeId, applied: u64) -> Self {
        Self {
            role: RaftRole::Leader,
            leader: Some(node),
            term: 1,
            last_log: applied,
            applied,
            snapshot: None,
            quorum_age_ms: Some(0),
            lags: BTreeMap::new(),
        }
    }
}

/// What one node knows.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// That node.
    pub me: NodeId,
    /// Its wall clock.
    pub now: Timestamp,
    /// Directory, loads and rules.
    pub view: View<'a>,
    /// The agreement.
    pub agreement: &'a Agreement,
    /// Its links; names need not be filled in.
    pub links: &'a [LinkInfo],
    /// Milliseconds since each node was heard from.
    pub heard_ms: &'a BTreeMap<NodeId, u64>,
    /// Clocks of the others minus its own, milliseconds.
    pub skews_ms: &'a BTreeMap<NodeId, i64>,
    /// Whether the leader counts on it now.
    pub granted: bool,
    /// Whether it knows that it was removed.
    pub removed: bool,
    /// Silent nodes that the leader does not give up, because too many are silent at once.
    pub held_back: &'a BTreeSet<NodeId>,
}

impl Facts<'_> {
    fn members(&self) -> &Members {
        &self.view.directory.members
    }
}

/// The directory of a node that is alone: it is a member, it started, and it is the only voter.
///
/// # Errors
/// When its profile is refused.
pub fn alone(
    id: NodeId,
    incarnation: Incarnation,
    profile: Profile,
) -> Result<Directory, ChangeRefusal> {
    let mut directory = Directory::default();
    let start = Change::Start { id, incarnation, profile: profile.clone() };
    let vote = Change::SetVoter { id, voter: true };
    for change in [Change::Join { id, profile }, start, vote] {
        directory.members.apply(&change)?;
    }
    Ok(directory)
}

/// All members, by name.
#[must_use]
pub fn nodes(facts: &Facts<'_>) -> Vec<ClusterNode> {
    let mut owned: BTreeMap<NodeId, u64> = BTreeMap::new();
    for lease in facts.view.directory.leases.iter() {
        *owned.entry(lease.node).or_default() += 1;
    }
    let leases = |id| owned.get(&id).copied().unwrap_or_default();
    let mut nodes: Vec<ClusterNode> =
        facts.members().iter().map(|member| node(facts, member, leases(member.id))).collect();
    nodes.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
    nodes
}

fn node(facts: &Facts<'_>, member: &Member, leases: u64) -> ClusterNode {
    let (id, profile) = (member.id, &member.profile);
    let up = |link: &&LinkInfo| link.state == LinkState::Up;
    let links = facts.links.iter().filter(|link| link.to == id);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (all, working) = (links.clone().count(), links.filter(up).count());
    let me = id == facts.me;
    ClusterNode {
        id,
        name: profile.name.clone(),
        state: member.state,
        duty: member.duty,
        roles: profile.roles,
        voter: member.voter,
        leader: facts.agreement.leader == Some(id),
        zone: member.zone().map(str::to_owned),
        link: profile.link.clone(),
        publish_urls: profile.publish_urls.clone(),
        watch_urls: profile.watch_urls.clone(),
        version: profile.version.clone(),
        incarnation: member.incarnation,
        heard_ms: if me { Some(0) } else { facts.heard_ms.get(&id).copied() },
        clock_skew_ms: if me { Some(0) } else { facts.skews_ms.get(&id).copied() },
        leases,
        load: facts.view.loads.of(id, facts.view.now_ms),
        lag: lag(facts, id),
        links_up: count(working),
        links_down: count(all - working),
    }
}

/// Entries a node is behind: the leader knows of everybody, the others of themselves.
fn lag(facts: &Facts<'_>, id: NodeId) -> Option<u64> {
    let agreement = facts.agreement;
    match agreement.leader {
        Some(leader) if leader == id => Some(0),
        _ if id == facts.me => Some(agreement.last_log.saturating_sub(agreement.applied)),
        _ => agreement.lags.get(&id).copied(),
    }
}

/// Every lease and every actor that lost its node, by actor.
#[must_use]
pub fn leases(directory: &Directory) -> Vec<LeaseInfo> {
    let held = directory.leases.iter().map(|lease| LeaseInfo {
        actor: lease.actor.clone(),
        node: Some(lease.node),
        node_name: directory.members.name(lease.node),
        epoch: lease.epoch,
        incarnation: Some(lease.incarnation),
        since: lease.since,
    });
    let vacant = directory.leases.vacancies().map(|(actor, lost)| LeaseInfo {
        actor: actor.clone(),
        node: None,
        node_name: directory.members.name(lost.node),
        epoch: lost.epoch,
        incarnation: None,
        since: lost.since,
    });
    let mut all: Vec<LeaseInfo> = held.chain(vacant).collect();
    all.sort_by(|one, other| one.actor.cmp(&other.actor));
    all
}

/// Links with the names of their ends.
#[must_use]
pub fn links(members: &Members, mut links: Vec<LinkInfo>) -> Vec<LinkInfo> {
    for link in &mut links {
        (link.from_name, link.to_name) = (members.name(link.from), members.name(link.to));
    }
    links.sort_by(|one, other| (&one.to_name, &one.lane).cmp(&(&other.to_name, &other.lane)));
    links
}

/// Copies with the names of their nodes, by channel, origins first.
#[must_use]
pub fn replicas(members: &Members, mut replicas: Vec<ReplicaInfo>) -> Vec<ReplicaInfo> {
    for replica in &mut replicas {
        replica.node_name = members.name(replica.node);
        replica.from_name = replica.from.map(|from| members.name(from));
    }
    replicas.sort_by(|one, other| {
        let key = |replica: &ReplicaInfo| (replica.role, replica.hops.len());
        one.channel.cmp(&other.channel).then_with(|| key(one).cmp(&key(other)))
    });
    replicas
}

/// The agreement, with what each node is in it.
#[must_use]
pub fn raft(facts: &Facts<'_>) -> RaftInfo {
    let agreement = facts.agreement;
    let newest = agreement.last_log;
    let mut peers: Vec<RaftPeer> = facts
        .members()
        .iter()
        .map(|member| {
            let lag = lag(facts, member.id);
            let role = match () {
                () if member.id == facts.me => agreement.role,
                () if agreement.leader == Some(member.id) => RaftRole::Leader,
                () if member.voter => RaftRole::Follower,
                () => RaftRole::Learner,
            };
            RaftPeer {
                node: member.id,
                name: member.profile.name.clone(),
                role,
                voter: member.voter,
                matched: lag.map(|lag| newest.saturating_sub(lag)),
                lag,
            }
        })
        .collect();
    peers.sort_by(|one, other| (!one.voter, &one.name).cmp(&(!other.voter, &other.name)));
    RaftInfo {
        node: facts.me,
        role: agreement.role,
        leader: agreement.leader,
        leader_name: agreement.leader.map(|leader| facts.members().name(leader)),
        term: agreement.term,
        last_log: newest,
        applied: agreement.applied,
        snapshot: agreement.snapshot,
        quorum_age_ms: agreement.quorum_age_ms,
        peers,
    }
}

/// The whole of it.
#[must_use]
pub fn status(facts: &Facts<'_>) -> ClusterStatus {
    let directory = facts.view.directory;
    let members = nodes(facts);
    let (quorum, raft) = (quorum(facts.members()), raft(facts));
    let vacant = directory.leases.vacancies().count() as u64;
    let links = links(facts.members(), facts.links.to_vec());
    // What a removed node sees of the others is of the past.
    let warnings = match findings::removed(facts.me, facts.removed, &members) {
        Some(removed) => vec![removed],
        None => {
            let mut all = findings(facts.me, &members, &links, &raft, quorum, vacant);
            all.extend(findings::brake(facts.held_back, &members));
            all.extend(findings::own(facts.me, facts.granted, &raft));
            all.sort_by_key(|one| std::cmp::Reverse(one.level));
            all
        }
    };
    ClusterStatus {
        node: facts.me,
        name: facts.members().name(facts.me),
        now: facts.now,
        quorum,
        raft,
        versions: versions(&members),
        clock_skew_ms: furthest(&members),
        leases: directory.leases.iter().count() as u64,
        vacant,
        members,
        warnings,
    }
}

/// One node with what it has; none when there is no such member.
#[must_use]
pub fn detail(facts: &Facts<'_>, id: NodeId) -> Option<NodeDetail> {
    let node = nodes(facts).into_iter().find(|node| node.id == id)?;
    let mut actors = leases(facts.view.directory);
    actors.retain(|lease| lease.node == Some(id));
    let mut links = links(facts.members(), facts.links.to_vec());
    links.retain(|link| link.to == id);
    Some(NodeDetail { node, actors, links })
}

fn quorum(members: &Members) -> Quorum {
    let voters = members.voters().count() as u64;
    let up = members.voters().filter(|voter| voter.state == NodeState::Up).count() as u64;
    Quorum { voters, needed: voters / 2 + 1, up }
}

fn versions(nodes: &[ClusterNode]) -> Vec<VersionCount> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for node in nodes {
        *counts.entry(&node.version).or_default() += 1;
    }
    let count = |(version, nodes): (&str, u64)| VersionCount { version: version.into(), nodes };
    let mut all: Vec<VersionCount> = counts.into_iter().map(count).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.nodes));
    all
}

fn furthest(nodes: &[ClusterNode]) -> Option<i64> {
    nodes.iter().filter_map(|node| node.clock_skew_ms).max_by_key(|skew| skew.unsigned_abs())
}

/// The entry of the log that a change of a node asks for. A fencing means the start of it that `members` know.
#[must_use]
pub fn change(members: &Members, node: NodeId, change: NodeChange) -> Change {
    match change {
        NodeChange::Cordon => Change::SetDuty { id: node, duty: Duty::Cordoned },
        NodeChange::Uncordon => Change::SetDuty { id: node, duty: Duty::Serving },
        NodeChange::Drain => Change::SetDuty { id: node, duty: Duty::Draining },
        NodeChange::Promote => Change::SetVoter { id: node, voter: true },
        NodeChange::Demote => Change::SetVoter { id: node, voter: false },
        NodeChange::Remove => Change::Remove { id: node },
        NodeChange::Fence => {
            let incarnation = members.of(node).map(|member| member.incarnation);
            let incarnation = incarnation.unwrap_or_default();
            Change::Fence { id: node, incarnation, why: WhyFenced::Operator }
        }
    }
}

/// What a change of a node would do, without doing it.
///
/// # Errors
/// When it would be refused.
pub fn rehearse(view: &View<'_>, node: NodeId, wish: NodeChange) -> Result<NodeChanged, ApiError> {
    let name = view.directory.members.name(node);
    let mut members = view.directory.members.clone();
    let entry = change(&members, node, wish);
    let changed = members.apply(&entry).map_err(|why| refusal(&why))?;
    careful(view, node, wish)?;
    let plan = match wish {
        NodeChange::Drain => placement::drain(view, node),
        _ => MovePlan::default(),
    };
    let before = &view.directory.members;
    let roles = before.of(node).map(|member| member.profile.roles).unwrap_or_default();
    let changed = changed != Changed::Nothing;
    Ok(NodeChanged { node, name, roles, change: wish, changed, plan })
}

/// What the log would do and an operator hardly means.
fn careful(view: &View<'_>, node: NodeId, wish: NodeChange) -> Result<(), ApiError> {
    let Some(member) = view.directory.members.of(node) else { return Ok(()) };
    let name = &member.profile.name;
    match wish {
        NodeChange::Remove if member.is_alive() => {
            let owned = view.directory.leases.held_by(node).count();
            if owned == 0 {
                return Ok(());
            }
            let text = format!("node {name} runs and owns {owned} actors; drain it first");
            Err(ApiError::new(ErrorCode::Conflict, text)
                .hint("`weir actor list` shows what it owns"))
        }
        NodeChange::Fence if member.state == NodeState::Up => {
            let text = format!("node {name} is heard from; only a silent node is given up by hand");
            Err(ApiError::new(ErrorCode::Conflict, text).hint("drain it, or stop its process"))
        }
        _ => Ok(()),
    }
}

/// A refused change in the words of the API.
#[must_use]
pub fn refusal(why: &ChangeRefusal) -> ApiError {
    let code = match why {
        ChangeRefusal::Unknown => ErrorCode::NotFound,
        _ => ErrorCode::Conflict,
    };
    let error = ApiError::new(code, why.to_string());
    match why {
        ChangeRefusal::Unknown => error.hint("`weir node list` shows the nodes there are"),
        _ => error,
    }
}

#[cfg(test)]
mod tests;
