//! What operators see, of clusters that are built step by step.

use std::collections::{BTreeMap, BTreeSet};

use weir_model::cluster::{CheckReport, NodeLoad, ReplicaRole};
use weir_model::stream::HealthLevel;

use super::*;
use crate::load::Loads;
use crate::placement::Rules;
use crate::testing::{Cluster, actor, profile};

const ME: NodeId = NodeId(1);

/// A node's knowledge, with the parts that facts only borrow.
struct Known {
    directory: Directory,
    agreement: Agreement,
    links: Vec<LinkInfo>,
    heard_ms: BTreeMap<NodeId, u64>,
    skews_ms: BTreeMap<NodeId, i64>,
    granted: bool,
    removed: bool,
    held_back: BTreeSet<NodeId>,
    loads: Loads,
    rules: Rules,
}

impl Known {
    fn of(cluster: Cluster) -> Self {
        Self {
            directory: cluster.directory,
            agreement: Agreement::alone(ME, 70),
            links: Vec::new(),
            heard_ms: BTreeMap::new(),
            skews_ms: BTreeMap::new(),
            granted: true,
            removed: false,
            held_back: BTreeSet::new(),
            loads: Loads::default(),
            rules: Rules::default(),
        }
    }

    fn facts(&self) -> Facts<'_> {
        let (directory, loads, rules) = (&self.directory, &self.loads, &self.rules);
        Facts {
            me: ME,
            now: Timestamp(5),
            view: View { directory, loads, rules, now_ms: 0 },
            agreement: &self.agreement,
            links: &self.links,
            heard_ms: &self.heard_ms,
            skews_ms: &self.skews_ms,
            granted: self.granted,
            removed: self.removed,
            held_back: &self.held_back,
        }
    }

    fn codes(&self) -> Vec<(String, HealthLevel)> {
        let warnings = status(&self.facts()).warnings;
        warnings.into_iter().map(|one| (one.code, one.level)).collect()
    }
}

/// Three nodes, all of them voters.
fn three() -> Cluster {
    let mut cluster = Cluster::of(3);
    (1..=3).for_each(|id| cluster.change(Change::SetVoter { id: NodeId(id), voter: true }));
    cluster
}

fn link(to: u64, state: LinkState) -> LinkInfo {
    LinkInfo {
        from: ME,
        from_name: String::new(),
        to: NodeId(to),
        to_name: String::new(),
        remote: "192.0.2.2:4433".into(),
        lane: "control".into(),
        state,
        since: Timestamp(0),
        rtt_us: 200,
        loss_ppm: 0,
        sent_bytes: 1,
        received_bytes: 2,
        streams: 1,
        lag_ms: None,
        protocol: 1,
        last_error: Some("timed out".into()),
    }
}

#[test]
fn a_lone_node_is_a_cluster_of_one_without_findings() {
    let directory = alone(ME, Incarnation(7), profile("solo")).unwrap();
    let known = Known { directory, ..Known::of(Cluster::default()) };
    let status = status(&known.facts());
    assert_eq!((status.name.as_str(), status.members.len()), ("solo", 1));
    assert_eq!(status.quorum, Quorum { voters: 1, needed: 1, up: 1 });
    assert_eq!(status.raft.leader_name.as_deref(), Some("solo"));
    assert_eq!((status.clock_skew_ms, status.members[0].lag), (Some(0), Some(0)));
    assert!(status.members[0].leader && status.members[0].voter);
    assert_eq!(status.warnings, []);
    assert_eq!(CheckReport::of(status.warnings).level, HealthLevel::Ok);
}

#[test]
fn nodes_carry_what_is_known_softly_about_them() {
    let mut cluster = three();
    cluster.own(&actor("stream/demo"), NodeId(2));
    let mut known = Known::of(cluster);
    known.links = vec![link(2, LinkState::Up), link(2, LinkState::Down)];
    known.heard_ms.insert(NodeId(2), 40);
    known.skews_ms.insert(NodeId(2), -3);
    known.agreement.lags.insert(NodeId(2), 4);
    let nodes = nodes(&known.facts());
    let second = &nodes[1];
    assert_eq!((second.name.as_str(), second.leases), ("n2", 1));
    assert_eq!((second.links_up, second.links_down), (1, 1));
    assert_eq!((second.heard_ms, second.clock_skew_ms, second.lag), (Some(40), Some(-3), Some(4)));
    assert_eq!((nodes[2].heard_ms, nodes[2].lag), (None, None), "nobody said anything of n3");
    let detail = detail(&known.facts(), NodeId(2)).unwrap();
    assert_eq!((detail.actors.len(), detail.links.len()), (1, 2));
    assert_eq!(detail.links[0].to_name, "n2");
    assert_eq!(super::detail(&known.facts(), NodeId(9)), None);
}

#[test]
fn an_actor_that_lost_its_node_is_listed_without_one() {
    let mut cluster = three();
    cluster.own(&actor("stream/demo"), NodeId(2));
    cluster.own(&actor("room/demo"), NodeId(1));
    cluster.change(Change::Fence {
        id: NodeId(2),
        incarnation: Incarnation(1),
        why: WhyFenced::Silence,
    });
    let leases = leases(&cluster.directory);
    let seen: Vec<_> = leases.iter().map(|one| (one.actor.to_string(), one.node)).collect();
    assert_eq!(seen, [("stream/demo".into(), None), ("room/demo".into(), Some(NodeId(1)))]);
    assert_eq!(leases[0].node_name, "n2", "where it was");
}

#[test]
fn the_agreement_names_the_part_of_everyone() {
    let mut cluster = three();
    cluster.change(Change::SetVoter { id: NodeId(3), voter: false });
    let mut known = Known::of(cluster);
    known.agreement.role = RaftRole::Follower;
    known.agreement.leader = Some(NodeId(2));
    known.agreement.applied = 68;
    let raft = raft(&known.facts());
    let parts: Vec<_> = raft.peers.iter().map(|peer| (peer.role, peer.lag)).collect();
    let mine = (RaftRole::Follower, Some(2));
    assert_eq!(parts, [mine, (RaftRole::Leader, Some(0)), (RaftRole::Learner, None)]);
    assert_eq!(raft.peers[0].matched, Some(68));
}

#[test]
fn silence_thins_the_quorum_and_then_ends_it() {
    let mut cluster = three();
    assert_eq!(Known::of(cluster.clone()).codes(), []);
    cluster.change(Change::Suspect { id: NodeId(2), incarnation: Incarnation(1) });
    let thin = Known::of(cluster.clone()).codes();
    let warning = |code: &str| (code.to_owned(), HealthLevel::Warning);
    assert_eq!(thin, [warning("quorum_thin"), warning("node_suspect")]);
    cluster.change(Change::Fence {
        id: NodeId(3),
        incarnation: Incarnation(1),
        why: WhyFenced::Silence,
    });
    let mut known = Known::of(cluster);
    known.agreement.leader = None;
    let lost = known.codes();
    let bad = |code: &str| (code.to_owned(), HealthLevel::Bad);
    assert_eq!(lost[..3], [bad("quorum_lost"), bad("no_leader"), bad("node_fenced")]);
    assert_eq!(CheckReport::of(status(&known.facts()).warnings).level, HealthLevel::Bad);
}

#[test]
fn clocks_versions_lag_and_links_are_told_beyond_their_limits() {
    let mut cluster = three();
    let newer = Profile { version: "9.9.9".into(), ..profile("n3") };
    cluster.change(Change::Start { id: NodeId(3), incarnation: Incarnation(2), profile: newer });
    let mut known = Known::of(cluster);
    known.skews_ms.insert(NodeId(2), -(SKEW_WARNING_MS as i64));
    known.skews_ms.insert(NodeId(3), SKEW_BAD_MS as i64);
    known.agreement.lags.insert(NodeId(2), LAG_WARNING);
    let lossy = LinkInfo { loss_ppm: LOSS_WARNING_PPM, ..link(3, LinkState::Up) };
    known.links = vec![link(2, LinkState::Down), lossy];
    let codes: Vec<String> = known.codes().into_iter().map(|one| one.0).collect();
    let told =
        ["clock_skew", "clock_skew", "log_behind", "versions_differ", "link_down", "link_loss"];
    assert_eq!(codes, told);
    let status = status(&known.facts());
    assert_eq!(status.clock_skew_ms, Some(5000));
    assert_eq!(status.versions.len(), 2);
    let texts: Vec<&str> = status.warnings.iter().map(|one| one.text.as_str()).collect();
    assert!(texts.contains(&"The clock of node n2 is 500 ms behind."), "{texts:?}");
    assert!(texts.contains(&"The control link from n1 to n2 is down: timed out."), "{texts:?}");
}

#[test]
fn a_cluster_that_takes_nobody_says_so() {
    let mut cluster = three();
    (1..=3).for_each(|id| cluster.duty(id, Duty::Cordoned));
    let codes = Known::of(cluster).codes();
    let missing = codes.iter().filter(|(code, _)| code == "role_missing").count();
    assert_eq!(missing, 2, "{codes:?}");
}

#[test]
fn a_node_is_drained_once_it_has_neither_actors_nor_viewers() {
    let mut cluster = three();
    cluster.own(&actor("stream/demo"), NodeId(2));
    cluster.duty(2, Duty::Draining);
    let said = |cluster: &Cluster, viewers: Option<u32>| {
        let mut known = Known::of(cluster.clone());
        if let Some(viewers) = viewers {
            let load = NodeLoad { viewers, ..NodeLoad::default() };
            known.loads.report(NodeId(2), Incarnation(1), 1, load, 0);
        }
        let warnings = status(&known.facts()).warnings;
        let [one] = warnings.as_slice() else { panic!("{warnings:?}") };
        (one.code.clone(), one.text.clone(), one.advice.contains("/ready"))
    };
    let draining = |text: &str, advice| {
        ("node_draining".to_owned(), format!("Node n2 is being drained; {text}."), advice)
    };
    assert_eq!(said(&cluster, Some(0)), draining("1 actor is still there", false));
    assert_eq!(said(&cluster, Some(3)), draining("1 actor and 3 viewers are still there", true));
    cluster.own(&actor("stream/demo"), NodeId(1));
    assert_eq!(said(&cluster, Some(1)), draining("1 viewer is still there", true));
    let silent = draining("it has not said lately who is there", false);
    assert_eq!(said(&cluster, None), silent);
    let drained = ("node_drained".to_owned(), "Node n2 is drained; it may be stopped.".to_owned());
    assert_eq!(said(&cluster, Some(0)), (drained.0, drained.1, false));
}

#[test]
fn a_rehearsal_is_refused_like_the_change_and_changes_nothing() {
    let mut cluster = three();
    cluster.own(&actor("transcoder/demo/v1"), NodeId(2));
    let known = Known::of(cluster);
    let view = known.facts().view;
    let drained = rehearse(&view, NodeId(2), NodeChange::Drain).unwrap();
    assert!(drained.changed && drained.plan.moves.len() == 1, "{drained:?}");
    assert!(!rehearse(&view, NodeId(2), NodeChange::Uncordon).unwrap().changed);
    let votes = rehearse(&view, NodeId(2), NodeChange::Remove).unwrap_err();
    assert_eq!(votes.code, ErrorCode::Conflict);
    let nobody = rehearse(&view, NodeId(9), NodeChange::Cordon).unwrap_err();
    assert_eq!(nobody.code, ErrorCode::NotFound);
    assert_eq!(known.directory.members.of(NodeId(2)).unwrap().duty, Duty::Serving);
}

#[test]
fn a_node_that_owns_something_is_not_removed_and_one_that_is_heard_is_not_given_up() {
    let mut cluster = three();
    cluster.change(Change::SetVoter { id: NodeId(2), voter: false });
    cluster.own(&actor("stream/demo"), NodeId(2));
    let refused = |cluster: &Cluster, wish| {
        let known = Known::of(cluster.clone());
        rehearse(&known.facts().view, NodeId(2), wish).map_err(|error| error.message)
    };
    let owns = refused(&cluster, NodeChange::Remove).unwrap_err();
    assert!(owns.contains("owns 1 actors; drain it first"), "{owns}");
    let heard = refused(&cluster, NodeChange::Fence).unwrap_err();
    assert!(heard.contains("n2 is heard from"), "{heard}");
    cluster.change(Change::Suspect { id: NodeId(2), incarnation: Incarnation(1) });
    assert!(refused(&cluster, NodeChange::Fence).unwrap().changed);
    cluster.change(Change::Fence {
        id: NodeId(2),
        incarnation: Incarnation(1),
        why: WhyFenced::Silence,
    });
    assert!(!refused(&cluster, NodeChange::Fence).unwrap().changed, "it was given up already");
    assert!(refused(&cluster, NodeChange::Remove).unwrap().changed, "what it owned is free");
}

#[test]
fn a_node_that_is_cut_off_or_was_removed_says_so_itself() {
    let mut known = Known::of(three());
    (known.granted, known.agreement.quorum_age_ms) = (false, Some(QUORUM_AGE_BAD_MS));
    let bad = |code: &str| (code.to_owned(), HealthLevel::Bad);
    assert_eq!(known.codes(), [bad("leader_alone"), bad("cut_off")]);
    let mut cluster = three();
    cluster.change(Change::SetVoter { id: ME, voter: false });
    cluster.change(Change::Remove { id: ME });
    let known = Known { granted: false, ..Known::of(cluster) };
    assert_eq!(known.codes(), [bad("removed")]);
    let mut told = Known { granted: false, removed: true, ..Known::of(three()) };
    told.agreement.leader = None;
    told.links = vec![link(2, LinkState::Down)];
    assert_eq!(told.codes(), [bad("removed")], "its copy of the directory is of before");
}

#[test]
fn nodes_that_the_brake_saves_are_named() {
    let mut known = Known::of(three());
    known.held_back = [NodeId(2), NodeId(3)].into();
    let warnings = status(&known.facts()).warnings;
    assert_eq!((warnings.len(), warnings[0].code.as_str()), (1, "brake"));
    assert!(warnings[0].text.starts_with("Nodes n2, n3 are silent"), "{}", warnings[0].text);
}

#[test]
fn copies_are_listed_by_channel_from_the_origin_outwards() {
    let cluster = three();
    let copy = |node: u64, role, from: Option<u64>| ReplicaInfo {
        channel: "demo".parse().unwrap(),
        node: NodeId(node),
        node_name: String::new(),
        role,
        from: from.map(NodeId),
        from_name: None,
        hops: Vec::new(),
        lag_ms: Some(4),
        msn: Some(7),
        viewers: 0,
    };
    let copies = vec![copy(2, ReplicaRole::Edge, Some(1)), copy(1, ReplicaRole::Origin, None)];
    let named = replicas(&cluster.directory.members, copies);
    assert_eq!((named[0].node_name.as_str(), named[1].node_name.as_str()), ("n1", "n2"));
    assert_eq!(named[1].from_name.as_deref(), Some("n1"));
}
