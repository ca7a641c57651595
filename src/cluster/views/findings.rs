//! What is wrong with a cluster, in sentences, from what one node sees of it.

use std::collections::BTreeSet;

use weir_model::cluster::{
    ClusterFinding, ClusterNode, Duty, LinkInfo, LinkState, NodeState, Quorum, RaftInfo, RaftRole,
};
use weir_model::stream::HealthLevel;
use weir_model::{NodeId, Role};

/// Clocks this far apart make times in logs and events misleading.
pub const SKEW_WARNING_MS: u64 = 500;

/// Clocks this far apart also make certificates and expiries wrong.
pub const SKEW_BAD_MS: u64 = 5000;

/// Entries behind the leader from which on a node is worth a look: at 5,000 writes a second, two seconds of them.
pub const LAG_WARNING: u64 = 10_000;

/// Share of packets lost, in a million, that media still gets through without being seen: five of a hundred.
pub const LOSS_WARNING_PPM: u32 = 50_000;

/// A leader whom most voters have not answered for so long leads nobody: several elections' time.
pub const QUORUM_AGE_BAD_MS: u64 = 2000;

/// What is wrong, the worst first. `links` have their names.
#[must_use]
pub fn findings(
    me: NodeId,
    nodes: &[ClusterNode],
    links: &[LinkInfo],
    raft: &RaftInfo,
    quorum: Quorum,
    vacant: u64,
) -> Vec<ClusterFinding> {
    let mut all: Vec<ClusterFinding> = Vec::new();
    all.extend(agreement(raft, quorum));
    all.extend(nodes.iter().filter_map(state));
    all.extend(nodes.iter().filter_map(skew));
    all.extend(nodes.iter().filter_map(behind));
    all.extend(nodes.iter().filter_map(disk));
    all.extend(versions(me, nodes));
    all.extend(links.iter().filter_map(link));
    all.extend(roles(nodes));
    if vacant > 0 {
        all.push(finding(
            "actors_vacant",
            HealthLevel::Warning,
            None,
            waiting(vacant),
            "A show goes on where its publisher comes back, and is over after the grace period; `weir actor list --filter 'node==none'` names them.",
        ));
    }
    all.sort_by_key(|one| std::cmp::Reverse(one.level));
    all
}

fn waiting(vacant: u64) -> String {
    match vacant {
        1 => "The node of a stream is gone, and it waits for its publisher.".into(),
        _ => format!("The nodes of {vacant} streams are gone, and they wait for their publishers."),
    }
}

fn finding(
    code: &str,
    level: HealthLevel,
    node: Option<NodeId>,
    text: String,
    advice: &str,
) -> ClusterFinding {
    ClusterFinding { code: code.into(), level, node, text, advice: advice.into() }
}

fn agreement(raft: &RaftInfo, quorum: Quorum) -> Vec<ClusterFinding> {
    let Quorum { voters, needed, up } = quorum;
    let mut all = Vec::new();
    if raft.role == RaftRole::Stopped {
        all.push(finding(
            "consensus_stopped",
            HealthLevel::Bad,
            Some(raft.node),
            "This node takes part in no agreement any more; the event raft.stopped says why."
                .into(),
            "Repair or free its disk and start it again; what streams goes on meanwhile.",
        ));
    }
    if !quorum.holds() {
        all.push(finding(
            "quorum_lost",
            HealthLevel::Bad,
            None,
            format!("Only {up} of {voters} voters are heard from and {needed} are needed: nothing can be changed."),
            "Start the missing voters; what streams goes on meanwhile.",
        ));
    } else if up == needed && voters > 1 {
        all.push(finding(
            "quorum_thin",
            HealthLevel::Warning,
            None,
            format!(
                "{up} of {voters} voters are heard from; the loss of one more stops all changes."
            ),
            "Bring the missing voters back, or promote another node.",
        ));
    } else if voters % 2 == 0 {
        all.push(finding(
            "voters_even",
            HealthLevel::Warning,
            None,
            format!("{voters} voters survive no more losses than {} do.", voters - 1),
            "Promote one more node, or demote one.",
        ));
    }
    if let Some(age) = raft.quorum_age_ms.filter(|age| *age >= QUORUM_AGE_BAD_MS)
        && raft.leader == Some(raft.node)
    {
        all.push(finding(
            "leader_alone",
            HealthLevel::Bad,
            Some(raft.node),
            format!("This node leads, but most voters have not answered it for {age} ms: nothing can be changed."),
            "Look at `weir cluster links` of this node; if it is cut off, ask a node on the other side.",
        ));
    }
    if raft.leader.is_none() {
        all.push(finding(
            "no_leader",
            HealthLevel::Bad,
            None,
            "No leader is known here: this node is cut off, or the voters are electing.".into(),
            "Look again in a few seconds; then look at `weir cluster links` of this node.",
        ));
    }
    all
}

/// The asked node was removed: others told it, or its copy of the directory does not have it any more.
pub(super) fn removed(me: NodeId, told: bool, nodes: &[ClusterNode]) -> Option<ClusterFinding> {
    let missing = !nodes.is_empty() && nodes.iter().all(|node| node.id != me);
    let text = "This node is not a member of the cluster any more.".to_owned();
    let advice = "Stop it; to have it back, empty its data directory and invite it again.";
    let removed = || finding("removed", HealthLevel::Bad, Some(me), text, advice);
    (told || missing).then(removed)
}

/// How the asked node itself stands with the others.
pub(super) fn own(me: NodeId, granted: bool, raft: &RaftInfo) -> Option<ClusterFinding> {
    // Without a leader nobody is counted on, which is told already.
    if granted || raft.leader.is_none() {
        return None;
    }
    let text = "The leader does not answer this node: it takes nothing new, and others may take over what it owns.";
    let advice = "Look at `weir cluster links` of this node; ask another node what it sees.";
    Some(finding("cut_off", HealthLevel::Bad, Some(me), text.to_owned(), advice))
}

/// So many nodes are silent that the leader gives no further one up.
pub(super) fn brake(held_back: &BTreeSet<NodeId>, nodes: &[ClusterNode]) -> Option<ClusterFinding> {
    let held = nodes.iter().filter(|node| held_back.contains(&node.id));
    let names: Vec<&str> = held.map(|node| node.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let text = format!(
        "{} silent and not given up, because too many nodes fell silent at once: it may be the network.",
        match names.as_slice() {
            [one] => format!("Node {one} is"),
            many => format!("Nodes {} are", many.join(", ")),
        }
    );
    let advice =
        "Look at the network first; give up by `weir node fence` whichever is dead for sure.";
    Some(finding("brake", HealthLevel::Bad, None, text, advice))
}

fn state(node: &ClusterNode) -> Option<ClusterFinding> {
    let name = &node.name;
    let (code, level, text, advice) = match (node.state, node.duty) {
        (NodeState::Suspect, _) => (
            "node_suspect",
            HealthLevel::Warning,
            format!("Node {name} has not been heard from for a while."),
            "Look at its process and its network; it is given up soon.",
        ),
        (NodeState::Fenced, _) => (
            "node_fenced",
            HealthLevel::Bad,
            format!("Node {name} was given up after it fell silent."),
            "Start it again, or take it out with `weir node remove`.",
        ),
        (NodeState::Joining, _) => (
            "node_joining",
            HealthLevel::Warning,
            format!("Node {name} was admitted and has not started yet."),
            "Start it, or take it out with `weir node remove`.",
        ),
        (NodeState::Up, Duty::Draining) => return Some(drain(node)),
        (NodeState::Up, Duty::Cordoned) => (
            "node_cordoned",
            HealthLevel::Ok,
            format!("Node {name} is cordoned and gets nothing new."),
            "`weir node uncordon` gives it work again.",
        ),
        (NodeState::Up, Duty::Serving) | (NodeState::Removed, _) => return None,
    };
    Some(finding(code, level, Some(node.id), text, advice))
}

/// A drain sends publishers and actors away, but no viewer: a node is empty when the last of them has left by himself.
fn drain(node: &ClusterNode) -> ClusterFinding {
    let (name, level) = (&node.name, HealthLevel::Ok);
    let about = |code, text, advice| finding(code, level, Some(node.id), text, advice);
    let Some(viewers) = node.load.map(|load| u64::from(load.viewers)) else {
        let text = format!("Node {name} is being drained; it has not said lately who is there.");
        return about("node_draining", text, "Look again in a few seconds.");
    };
    let there = [(node.leases, "actor"), (viewers, "viewer")];
    let there: Vec<String> = there.into_iter().filter_map(|(n, what)| some(n, what)).collect();
    if there.is_empty() {
        let text = format!("Node {name} is drained; it may be stopped.");
        return about("node_drained", text, "`weir node uncordon` gives it work again.");
    }
    let verb = if node.leases + viewers == 1 { "is" } else { "are" };
    let text = format!("Node {name} is being drained; {} {verb} still there.", there.join(" and "));
    let advice = match viewers {
        0 => "",
        _ => {
            "Viewers leave by themselves once none are sent there: by the balancer, whose health check is /ready of the node, or by DNS."
        }
    };
    about("node_draining", text, advice)
}

/// So many of something; none when there is nothing of it.
fn some(count: u64, what: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        many => Some(format!("{many} {what}s")),
    }
}

fn skew(node: &ClusterNode) -> Option<ClusterFinding> {
    let skew = node.clock_skew_ms?;
    let level = match skew.unsigned_abs() {
        ms if ms >= SKEW_BAD_MS => HealthLevel::Bad,
        ms if ms >= SKEW_WARNING_MS => HealthLevel::Warning,
        _ => return None,
    };
    let (by, word) = (skew.unsigned_abs(), if skew > 0 { "ahead" } else { "behind" });
    let text = format!("The clock of node {} is {by} ms {word}.", node.name);
    Some(finding(
        "clock_skew",
        level,
        Some(node.id),
        text,
        "Run a time service (chrony) there and here.",
    ))
}

fn behind(node: &ClusterNode) -> Option<ClusterFinding> {
    let lag = node.lag.filter(|lag| *lag >= LAG_WARNING)?;
    let text = format!("Node {} is {lag} entries of the log behind the leader.", node.name);
    let advice = "Look at its disk and its processor.";
    Some(finding("log_behind", HealthLevel::Warning, Some(node.id), text, advice))
}

fn disk(node: &ClusterNode) -> Option<ClusterFinding> {
    let load = node.load.filter(|load| load.disk_low)?;
    let (name, free) = (&node.name, load.disk_free >> 20);
    let (level, text) = match node.leader {
        true => (
            HealthLevel::Bad,
            format!(
                "Node {name} leads and its disk has {free} MiB free: nothing that people ask for is made; streams go on."
            ),
        ),
        false => (
            HealthLevel::Warning,
            format!("The disk of node {name} has {free} MiB free, less than it keeps."),
        ),
    };
    let advice = "Free space there, or start it with a smaller disk.reserve_mib.";
    Some(finding("disk_low", level, Some(node.id), text, advice))
}

fn versions(me: NodeId, nodes: &[ClusterNode]) -> Option<ClusterFinding> {
    let mine = nodes.iter().find(|node| node.id == me)?;
    let other = nodes.iter().filter(|node| node.state == NodeState::Up);
    let names: Vec<&str> =
        other.filter(|node| node.version != mine.version).map(|node| node.name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    Some(finding(
        "versions_differ",
        HealthLevel::Warning,
        None,
        format!("{} run another version than {} ({}).", names.join(", "), mine.name, mine.version),
        "Finish the upgrade; two neighbouring versions understand each other, others need not.",
    ))
}

fn link(link: &LinkInfo) -> Option<ClusterFinding> {
    let (from, to, lane) = (&link.from_name, &link.to_name, &link.lane);
    if link.state == LinkState::Down {
        let why = link.last_error.as_deref().unwrap_or("no reason is known");
        let text = format!("The {lane} link from {from} to {to} is down: {why}.");
        let advice = "Look at that node, at the network between, and at UDP in firewalls.";
        return Some(finding("link_down", HealthLevel::Warning, Some(link.to), text, advice));
    }
    if link.loss_ppm < LOSS_WARNING_PPM {
        return None;
    }
    let percent = f64::from(link.loss_ppm) / 10_000.0;
    let text = format!("The {lane} link from {from} to {to} loses {percent:.1} % of its packets.");
    let advice = "Raise the UDP buffers (`weir cluster doctor` names them) or look at the network.";
    Some(finding("link_loss", HealthLevel::Warning, Some(link.to), text, advice))
}

/// Roles without which the cluster does not do its work.
fn roles(nodes: &[ClusterNode]) -> Vec<ClusterFinding> {
    let takes = |role| {
        let able = |node: &&ClusterNode| {
            node.state == NodeState::Up && node.duty == Duty::Serving && node.roles.contains(role)
        };
        nodes.iter().any(|node| able(&node))
    };
    let lacking = [(Role::Ingest, "publishers"), (Role::Edge, "viewers")];
    let lacking = lacking.into_iter().filter(|(role, _)| !takes(*role));
    lacking
        .map(|(role, who)| {
            let text =
                format!("No node takes new {who}: none with the role {role} is up and serving.");
            let advice = "Uncordon or start one, or invite one with that role.";
            finding("role_missing", HealthLevel::Bad, None, text, advice)
        })
        .collect()
}
