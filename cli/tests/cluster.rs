//! What the node of these tests says of its cluster, and what a check makes of it.

use weir_model::cluster::{
    CheckReport, ClusterFinding, ClusterNode, ClusterStatus, Duty, InviteInfo, InvitedNode,
    LeaseInfo, LinkInfo, LinkState, MovePlan, NodeChange, NodeChanged, NodeDetail, NodeLoad,
    NodeScore, NodeState, PlacementInfo, PlannedMove, Quorum, RaftInfo, RaftPeer, RaftRole,
    ReplicaInfo, ReplicaRole, ScorePart, VersionCount,
};
use weir_model::stream::HealthLevel;
use weir_model::{ActorId, Epoch, Incarnation, NodeId, Role, Roles};

use super::*;

const EDGE: NodeId = NodeId(2);

pub(super) fn knows(path: &str) -> bool {
    !reply(path).is_empty()
}

pub(super) fn answer(path: &str) -> String {
    reply(path)
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

fn reply(path: &str) -> String {
    match path {
        "GET /v1/cluster" => json(&status()),
        "GET /v1/cluster/check" => json(&CheckReport::of(status().warnings)),
        "POST /v1/cluster/rebalance" => json(&plan()),
        "GET /v1/nodes" => json(&[node()]),
        "GET /v1/nodes/edge-1" => {
            json(&NodeDetail { node: node(), actors: vec![lease()], links: vec![link()] })
        }
        "POST /v1/nodes/edge-1/cordon" => json(&changed(NodeChange::Cordon, MovePlan::default())),
        "POST /v1/nodes/edge-1/drain" => json(&changed(NodeChange::Drain, plan())),
        "POST /v1/nodes/invites" => {
            let (token, join) = ("weir1_token".into(), "192.0.2.1:4433".into());
            let command = "weir-node --join 192.0.2.1:4433 --token-file invitation --roles edge";
            let command = command.to_owned();
            json(&InvitedNode { token, join, command, info: invite() })
        }
        "GET /v1/nodes/invites" => json(&[invite()]),
        "DELETE /v1/nodes/invites/inv_1" => json(&InviteInfo { revoked_at: Some(NOW), ..invite() }),
        "GET /v1/links" => json(&[link()]),
        "GET /v1/replicas" => json(&[replica()]),
        "GET /v1/actors" => json(&[lease()]),
        "POST /v1/actors/stream/demo/move" => json(&step()),
        "GET /v1/actors/stream/demo/explain" => json(&explained()),
        _ => String::new(),
    }
}

fn actor() -> ActorId {
    "stream/demo".parse().unwrap()
}

fn node() -> ClusterNode {
    ClusterNode {
        id: EDGE,
        name: "edge-1".into(),
        state: NodeState::Up,
        duty: Duty::Cordoned,
        roles: Roles::default().with(Role::Edge),
        voter: false,
        leader: false,
        zone: Some("rack-1".into()),
        link: "192.0.2.2:4433".into(),
        publish_urls: Vec::new(),
        watch_urls: vec!["http://192.0.2.2:8080".into()],
        version: "0.1.0".into(),
        incarnation: Incarnation(7),
        heard_ms: Some(1200),
        clock_skew_ms: Some(-3),
        leases: 1,
        load: Some(NodeLoad { cpu: 184, memory: 250, viewers: 12, ..NodeLoad::default() }),
        lag: Some(2),
        links_up: 2,
        links_down: 0,
    }
}

fn status() -> ClusterStatus {
    let role = RaftRole::Leader;
    let peer = RaftPeer {
        node: NodeId(1),
        name: "core-1".into(),
        role,
        voter: true,
        matched: Some(9),
        lag: Some(0),
    };
    ClusterStatus {
        node: NodeId(1),
        name: "core-1".into(),
        now: NOW,
        quorum: Quorum { voters: 1, needed: 1, up: 1 },
        raft: RaftInfo {
            node: NodeId(1),
            role,
            leader: Some(NodeId(1)),
            leader_name: Some("core-1".into()),
            term: 3,
            last_log: 9,
            applied: 9,
            snapshot: None,
            quorum_age_ms: Some(4),
            peers: vec![peer],
        },
        versions: vec![VersionCount { version: "0.1.0".into(), nodes: 1 }],
        clock_skew_ms: Some(-3),
        leases: 1,
        vacant: 0,
        members: vec![node()],
        warnings: vec![ClusterFinding {
            code: "node_suspect".into(),
            level: HealthLevel::Warning,
            node: Some(EDGE),
            text: "Node edge-1 has not been heard from for a while.".into(),
            advice: "Look at its process.".into(),
        }],
    }
}

fn link() -> LinkInfo {
    LinkInfo {
        from: NodeId(1),
        from_name: "core-1".into(),
        to: EDGE,
        to_name: "edge-1".into(),
        remote: "192.0.2.2:4433".into(),
        lane: "media".into(),
        state: LinkState::Up,
        since: NOW.plus_ms(-60_000),
        rtt_us: 1840,
        loss_ppm: 1200,
        sent_bytes: 5 << 20,
        received_bytes: 1 << 10,
        streams: 3,
        lag_ms: Some(6),
        protocol: 1,
        last_error: None,
    }
}

fn lease() -> LeaseInfo {
    LeaseInfo {
        actor: actor(),
        node: None,
        node_name: "edge-1".into(),
        epoch: Epoch(4),
        incarnation: None,
        since: NOW.plus_ms(-5000),
    }
}

fn replica() -> ReplicaInfo {
    ReplicaInfo {
        channel: "demo".parse().unwrap(),
        node: EDGE,
        node_name: "edge-1".into(),
        role: ReplicaRole::Edge,
        from: Some(NodeId(1)),
        from_name: Some("core-1".into()),
        hops: vec![NodeId(1)],
        lag_ms: Some(6),
        msn: Some(1850),
        viewers: 12,
    }
}

fn step() -> PlannedMove {
    let reason = "wins 120 points.".into();
    PlannedMove {
        actor: actor(),
        epoch: Epoch(4),
        from: NodeId(1),
        from_name: "core-1".into(),
        to: Some(EDGE),
        to_name: Some("edge-1".into()),
        gain: Some(120),
        reason,
    }
}

fn plan() -> MovePlan {
    MovePlan { moves: vec![step()], staying: 7, ..MovePlan::default() }
}

fn changed(change: NodeChange, plan: MovePlan) -> NodeChanged {
    let roles = Roles::default().with(Role::Edge);
    NodeChanged { node: EDGE, name: "edge-1".into(), roles, change, changed: true, plan }
}

fn invite() -> InviteInfo {
    InviteInfo {
        id: "inv_1".into(),
        roles: Roles::default().with(Role::Edge),
        created_at: NOW.plus_ms(-60_000),
        expires_at: NOW.plus_ms(540_000),
        used_by: None,
        revoked_at: None,
    }
}

pub(crate) fn explained() -> PlacementInfo {
    let part = ScorePart { name: "load".into(), points: -40, text: "it is 40 % busy".into() };
    let score = |node, name: &str, barred: Option<&str>| NodeScore {
        node,
        name: name.into(),
        points: 160,
        parts: vec![part.clone()],
        barred: barred.map(str::to_owned),
    };
    PlacementInfo {
        actor: actor(),
        current: Some(NodeId(1)),
        chosen: Some(NodeId(1)),
        rule: "On core-1: a stream is where its publisher is connected.".into(),
        scores: vec![
            score(NodeId(1), "core-1", None),
            score(EDGE, "edge-1", Some("its publisher is connected to core-1")),
        ],
    }
}

#[tokio::test]
async fn a_check_says_what_it_found_and_its_code_is_for_monitoring() {
    for line in ["cluster check", "cluster check -o json"] {
        let ran = piped(line).await;
        assert_eq!((ran.exit, ran.err.as_str()), (Exit::Warning, ""), "{line}");
        assert!(ran.out.contains("node_suspect"), "{}", ran.out);
    }
}

#[tokio::test]
async fn a_doctor_judges_machine_and_node_and_says_when_nobody_is_there() {
    let ran = piped("cluster doctor").await;
    assert_eq!((ran.exit, ran.err.as_str()), (Exit::Warning, ""));
    let codes: Vec<&str> = ran.out.lines().filter_map(|line| line.split('\t').nth(1)).collect();
    assert_eq!(codes, ["udp_receive", "node_suspect", "api", "clock", "udp_send"]);
    assert!(ran.out.contains("net.core.rmem_max"), "{}", ran.out);
    let gone = alone("cluster doctor --endpoint http://127.0.0.1:1 -o json").await;
    assert_eq!(gone.exit, Exit::Critical);
    let report: CheckReport = serde_json::from_str(&gone.out).unwrap();
    assert_eq!((report.level, report.findings[0].code.as_str()), (HealthLevel::Bad, "api"));
}

#[tokio::test]
async fn a_role_that_is_none_is_wrong_usage() {
    let ran = piped("node invite --roles edge,egde").await;
    assert_eq!((ran.exit, ran.asked.len()), (Exit::Usage, 0));
    assert!(ran.err.contains("`egde` is no role"), "{}", ran.err);
}
