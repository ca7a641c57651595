//! The routes of the cluster, over a cluster that only remembers.

use std::collections::{BTreeMap, BTreeSet};

use weir_client::Client;
use weir_cluster::lease::LeaseCommand;
use weir_cluster::load::Loads;
use weir_cluster::members::{Change, Profile};
use weir_cluster::placement::{self, Rules, View, Want};
use weir_cluster::views::{self, Agreement, Facts};
use weir_cluster::{Command, Directory};
use weir_model::api::{ActorQuery, Mutation};
use weir_model::cluster::{
    ClusterNode, ClusterStatus, Invite, InviteInfo, InvitedNode, LeaseInfo, LinkInfo, MoveActor,
    MovePlan, NodeChange, NodeChanged, PlacementInfo, PlannedMove, ReplicaInfo,
};
use weir_model::{ActorId, ApiError, Epoch, ErrorCode, Incarnation, NodeId, Role, Roles};

use super::super::cluster::{Answer as ClusterAnswer, Cluster};
use super::*;

/// Two nodes, `core-1` and `edge 2`; the first one owns `stream/demo`. It remembers what it was told.
pub(super) struct FakeCluster {
    directory: Directory,
    told: Mutex<Vec<String>>,
}

impl FakeCluster {
    pub(super) fn new() -> Arc<Self> {
        let profile = |name: &str| Profile {
            name: name.into(),
            roles: Roles::all(),
            weight: 1,
            ..Profile::default()
        };
        let (one, two, start) = (NodeId(1), NodeId(2), Incarnation(1));
        let mut directory = views::alone(one, start, profile("core-1")).unwrap();
        let second = profile("edge 2");
        let commands = [
            Command::Member(Change::Join { id: two, profile: second.clone() }),
            Command::Member(Change::Start { id: two, incarnation: start, profile: second }),
            Command::Lease(LeaseCommand::Claim {
                actor: "stream/demo".parse().unwrap(),
                node: one,
                incarnation: start,
                supersedes: None,
                at: Timestamp(7),
            }),
        ];
        for (index, command) in (1..).zip(&commands) {
            directory.apply(index, command).unwrap();
        }
        Arc::new(Self { directory, told: Mutex::default() })
    }

    fn tell(&self, text: String) {
        self.told.lock().push(text);
    }

    fn with<T>(&self, view: impl FnOnce(&Facts<'_>) -> T) -> T {
        let (loads, rules) = (Loads::default(), Rules::default());
        let (heard_ms, skews_ms) = (BTreeMap::new(), BTreeMap::new());
        let agreement = Agreement::alone(NodeId(1), 3);
        let (directory, now) = (&self.directory, Timestamp(9));
        view(&Facts {
            me: NodeId(1),
            now,
            view: View { directory, loads: &loads, rules: &rules, now_ms: 0 },
            agreement: &agreement,
            links: &[],
            heard_ms: &heard_ms,
            skews_ms: &skews_ms,
            granted: true,
            removed: false,
            held_back: &BTreeSet::new(),
        })
    }
}

fn answer<T: Send + 'static>(value: T) -> ClusterAnswer<'static, T> {
    Box::pin(async { Ok(value) })
}

fn step(actor: ActorId, to: Option<NodeId>) -> PlannedMove {
    let reason = "asked".into();
    let (from_name, to_name) = ("n1".into(), to.map(|to| format!("n{}", to.0)));
    PlannedMove {
        actor,
        epoch: Epoch(3),
        from: NodeId(1),
        from_name,
        to,
        to_name,
        gain: None,
        reason,
    }
}

fn invitation() -> InviteInfo {
    InviteInfo {
        id: "inv_1".into(),
        roles: Roles::default().with(Role::Edge),
        created_at: Timestamp(1),
        expires_at: Timestamp(2),
        used_by: None,
        revoked_at: None,
    }
}

impl Cluster for FakeCluster {
    fn status(&self) -> ClusterAnswer<'_, ClusterStatus> {
        answer(self.with(views::status))
    }

    fn nodes(&self) -> ClusterAnswer<'_, Vec<ClusterNode>> {
        answer(self.with(views::nodes))
    }

    fn links(&self) -> ClusterAnswer<'_, Vec<LinkInfo>> {
        answer(Vec::new())
    }

    fn leases(&self) -> ClusterAnswer<'_, Vec<LeaseInfo>> {
        answer(views::leases(&self.directory))
    }

    fn replicas(&self) -> ClusterAnswer<'_, Vec<ReplicaInfo>> {
        answer(Vec::new())
    }

    fn change_node(
        &self,
        node: NodeId,
        change: NodeChange,
        dry_run: bool,
    ) -> ClusterAnswer<'_, NodeChanged> {
        self.tell(format!("{} {} {dry_run}", change.as_str(), node.0));
        let tried = self.with(|facts| views::rehearse(&facts.view, node, change));
        Box::pin(async { tried })
    }

    fn invites(&self) -> ClusterAnswer<'_, Vec<InviteInfo>> {
        answer(vec![invitation()])
    }

    fn invite(&self, wish: Invite, dry_run: bool) -> ClusterAnswer<'_, InvitedNode> {
        self.tell(format!("invite {:?} {:?} {dry_run}", wish.roles, wish.ttl_secs));
        let (token, join) = ("weir1_secret".into(), "192.0.2.1:4433".into());
        let command = format!("weir-node --join {join} --token-file invitation");
        answer(InvitedNode { token, join, command, info: invitation() })
    }

    fn revoke_invite<'a>(&'a self, id: &'a str, dry_run: bool) -> ClusterAnswer<'a, InviteInfo> {
        self.tell(format!("revoke {id} {dry_run}"));
        Box::pin(async move {
            let missing = ApiError::new(ErrorCode::NotFound, "there is no such invitation");
            if id == "inv_1" { Ok(invitation()) } else { Err(missing) }
        })
    }

    fn move_actor<'a>(
        &'a self,
        actor: &'a ActorId,
        to: Option<NodeId>,
        dry_run: bool,
    ) -> ClusterAnswer<'a, PlannedMove> {
        self.tell(format!("move {actor} {:?} {dry_run}", to.map(|to| to.0)));
        answer(step(actor.clone(), to))
    }

    fn explain_actor<'a>(&'a self, actor: &'a ActorId) -> ClusterAnswer<'a, PlacementInfo> {
        let want = Want { actor: actor.clone(), near: Some(NodeId(1)) };
        answer(self.with(|facts| placement::explain(&facts.view, &want)))
    }

    fn rebalance(&self, dry_run: bool) -> ClusterAnswer<'_, MovePlan> {
        self.tell(format!("rebalance {dry_run}"));
        let moves = vec![step("room/demo".parse().unwrap(), Some(NodeId(2)))];
        answer(MovePlan { moves, staying: 4, ..MovePlan::default() })
    }
}

fn bench() -> (Bench, Arc<FakeCluster>) {
    let (mut bench, cluster) = (Bench::new(), FakeCluster::new());
    let shared: Arc<dyn Cluster> = Arc::<FakeCluster>::clone(&cluster);
    bench.ctx.cluster = shared;
    (bench, cluster)
}

#[tokio::test]
async fn a_node_is_meant_by_its_name_or_its_id() {
    let (bench, cluster) = bench();
    for name in ["edge%202", "node_0000000000000002"] {
        let shown = bench.ask("GET", &format!("/v1/nodes/{name}"), None).await;
        assert_eq!((shown.status, &shown.json["name"]), (StatusCode::OK, &json!("edge 2")));
        let done = bench.ask("POST", &format!("/v1/nodes/{name}/cordon"), None).await;
        assert_eq!((done.status, &done.json["changed"]), (StatusCode::OK, &json!(true)));
    }
    assert_eq!(*cluster.told.lock(), ["cordon 2 false", "cordon 2 false"]);
    for (path, status) in [
        ("/v1/nodes/nobody/drain", 404),
        ("/v1/nodes/node_0000000000000009/drain", 404),
        ("/v1/nodes/core-1/explode", 400),
        ("/v1/nodes/core-1/demote", 409),
        ("/v1/actors/stream/a%20b/move", 400),
        ("/v1/actors/cat/demo/move", 400),
    ] {
        let refused = bench.ask("POST", path, None).await;
        assert_eq!(refused.status.as_u16(), status, "{path}: {}", refused.json);
        assert!(refused.json["message"].is_string(), "{path}");
    }
}

#[tokio::test]
async fn each_change_is_an_event_with_its_reason_and_a_dry_run_is_none() {
    let (bench, cluster) = bench();
    let to = Some(json!({"to": "edge 2"}));
    let edge = Some(json!({"roles": ["edge"], "ttl_secs": 60}));
    let mut seen = 0;
    for (method, path, body, kind) in [
        ("POST", "/v1/nodes/core-1/drain", None, "node.draining"),
        ("POST", "/v1/actors/stream/demo/move", to, "actor.moved"),
        ("POST", "/v1/nodes/invites", edge, "node.invited"),
        ("DELETE", "/v1/nodes/invites/inv_1", None, "node.invite_revoked"),
        ("POST", "/v1/cluster/rebalance", None, "cluster.rebalanced"),
    ] {
        let tried = format!("{path}?dry_run=true&reason=disk");
        let answer = bench.ask(method, &tried, body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{tried}: {}", answer.json);
        assert!(!answer.json.to_string().contains("secret"), "{}", answer.json);
        assert_eq!(bench.kinds().len(), seen, "{tried}");
        let done = bench.ask(method, &format!("{path}?reason=disk"), body).await;
        assert!(done.status.is_success(), "{path}: {}", done.json);
        let events = bench.ctx.events.newest(100);
        let event = events.last().unwrap();
        assert_eq!((event.kind.as_str(), event.fields["reason"].as_str()), (kind, "disk"));
        seen += 1;
        assert_eq!(events.len(), seen, "{path}");
        assert!(
            !event.text.contains("secret") && event.fields.values().all(|v| !v.contains("secret"))
        );
    }
    let told = cluster.told.lock().clone();
    assert_eq!(told.iter().filter(|line| line.ends_with("true")).count(), 5, "{told:?}");
    assert_eq!(told[2], "move stream/demo Some(2) true");
}

#[tokio::test]
async fn an_invitation_has_roles_and_an_end() {
    let (bench, cluster) = bench();
    for body in [
        json!({"roles": []}),
        json!({"roles": ["egde"]}),
        json!({"roles": ["edge"], "ttl_secs": 0}),
        json!({"roles": ["edge"], "ttl_secs": 86_401}),
        json!({"roles": ["edge"], "uses": 2}),
    ] {
        let refused = bench.ask("POST", "/v1/nodes/invites", Some(body)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.json);
    }
    assert!(cluster.told.lock().is_empty());
}

#[tokio::test]
async fn every_route_of_the_cluster_is_spoken_by_the_client() {
    let (bench, cluster) = bench();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (ctx, tasks) = (bench.ctx.clone(), bench.ctx.tasks.clone());
    tasks.spawn("api listener", move |_| serve(listener, ctx));
    let client = Client::new(&endpoint, Some(bench.token.clone())).unwrap();
    let (how, actor) = (Mutation::default(), "stream/demo".parse().unwrap());

    let status = client.cluster().await.unwrap();
    assert_eq!((status.name.as_str(), status.members.len()), ("core-1", 2));
    assert!(client.check_cluster().await.unwrap().findings.is_empty());
    assert_eq!(client.nodes().await.unwrap(), status.members);
    assert_eq!(client.node("edge 2").await.unwrap().node, status.members[1]);
    assert_eq!(client.node("core-1").await.unwrap().actors.len(), 1);
    assert!(client.change_node("edge 2", NodeChange::Drain, &how).await.unwrap().changed);
    assert_eq!(client.rebalance(&how).await.unwrap().staying, 4);
    assert!(client.links().await.unwrap().is_empty());
    assert!(client.replicas().await.unwrap().is_empty());
    let of = |node: &str| ActorQuery { kind: None, node: Some(node.into()) };
    assert_eq!(client.actors(&of("core-1")).await.unwrap().len(), 1);
    assert!(client.actors(&of("edge 2")).await.unwrap().is_empty());
    let to = MoveActor { to: Some("edge 2".into()) };
    assert_eq!(client.move_actor(&actor, &to, &how).await.unwrap().to, Some(NodeId(2)));
    let part = "transcoder/demo/v1".parse().unwrap();
    client.move_actor(&part, &MoveActor::default(), &how).await.unwrap();
    assert_eq!(client.explain_actor(&actor).await.unwrap().current, Some(NodeId(1)));
    let wish = Invite { roles: vec![Role::Edge], ttl_secs: None };
    assert_eq!(client.invite(&wish, &how).await.unwrap().token, "weir1_secret");
    assert_eq!(client.invites().await.unwrap(), [invitation()]);
    assert_eq!(client.revoke_invite("inv_1", &how).await.unwrap().id, "inv_1");
    assert!(client.revoke_invite("inv_2", &how).await.is_err());
    assert!(cluster.told.lock().contains(&"move transcoder/demo/v1 None false".to_owned()));
    tasks.shutdown(std::time::Duration::from_secs(5)).await;
}

#[tokio::test]
async fn a_ledger_that_is_not_as_it_was_made_is_found_by_the_check() {
    let bench = Bench::new();
    let codes = async || {
        let report = bench.ask("GET", "/v1/cluster/check", None).await.json;
        let found = report["findings"].as_array().unwrap().clone();
        let bad = found.into_iter().filter(|one| one["level"] == "bad");
        bad.map(|one| one["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(!codes().await.iter().any(|code| code.starts_with("ledger")));
    let mut over = json!({"running": false, "checked": 3, "of": 3, "fault": null,
        "began_at": Timestamp(0), "ended_at": Timestamp(1)});
    *bench.alone.verified.lock() = over.clone();
    assert!(!codes().await.iter().any(|code| code.starts_with("ledger")));
    over["fault"] = json!({"seq": 2, "what": "its hash"});
    *bench.alone.verified.lock() = over;
    assert!(codes().await.contains(&"ledger_fault".into()));
    bench.alone.is_uneven.store(true, Ordering::Relaxed);
    assert!(codes().await.contains(&"ledger_uneven".into()));
}
