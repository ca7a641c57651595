//! A node without a cluster, as a cluster of one: the same answers, from the same functions.
//!
//! It is a member, it leads, it votes, it owns the streams that are live here. What takes two nodes is refused with a
//! sentence that says so.

use std::collections::BTreeMap;
use std::sync::Arc;

use weir_cluster::Directory;
use weir_cluster::lease::LeaseCommand;
use weir_cluster::load::Loads;
use weir_cluster::members::Profile;
use weir_cluster::placement::{self, Rules, View, Want};
use weir_cluster::views::{self, Agreement, Facts};
use weir_model::cluster::{
    ClusterNode, ClusterStatus, Invite, InviteInfo, InvitedNode, LeaseInfo, LinkInfo, MovePlan,
    NodeChange, NodeChanged, NodeLoad, PlacementInfo, PlannedMove, ReplicaInfo, ReplicaRole,
};
use weir_model::node::NodeStatus;
use weir_model::{
    ActorId, ActorKind, ApiError, ErrorCode, Incarnation, NodeId, Role, Roles, StreamInfo,
    StreamState, Timestamp,
};

use super::cluster::{Answer, Cluster};
use super::{Live, StatusFn};

/// The cluster of one.
pub(super) struct Lone {
    pub(super) id: NodeId,
    pub(super) status: StatusFn,
    pub(super) live: Arc<dyn Live>,
}

/// What it knows at one instant.
struct Known {
    id: NodeId,
    directory: Directory,
    loads: Loads,
    rules: Rules,
    agreement: Agreement,
    now: Timestamp,
    streams: Vec<StreamInfo>,
}

impl Known {
    fn view(&self) -> View<'_> {
        View { directory: &self.directory, loads: &self.loads, rules: &self.rules, now_ms: 0 }
    }

    fn tell<T>(&self, view: impl FnOnce(&Facts<'_>) -> T) -> T {
        let (heard_ms, skews_ms) = (BTreeMap::new(), BTreeMap::new());
        view(&Facts {
            me: self.id,
            now: self.now,
            view: self.view(),
            agreement: &self.agreement,
            links: &[],
            heard_ms: &heard_ms,
            skews_ms: &skews_ms,
        })
    }
}

impl Lone {
    async fn known(&self) -> Result<Known, ApiError> {
        let (status, mut streams) = ((self.status)().await, self.live.streams().await.found);
        streams.retain(|stream| stream.state == StreamState::Live);
        let incarnation = started(&status);
        let mut directory = views::alone(self.id, incarnation, profile(&status))
            .map_err(|why| views::refusal(&why))?;
        let mut index = 0;
        for stream in &streams {
            index += 1;
            let claim = LeaseCommand::Claim {
                actor: ActorId::new(ActorKind::Stream, (&stream.channel).into()),
                node: self.id,
                incarnation,
                supersedes: None,
                at: stream.since.unwrap_or_default(),
            };
            // Nobody else could hold it, and a node has fewer streams than a cluster may have leases.
            let _ = directory.leases.apply(index, &claim);
        }
        let mut loads = Loads::default();
        loads.report(self.id, incarnation, 1, load(&status), 0);
        let agreement = Agreement::alone(self.id, index);
        let (rules, now) = (Rules::default(), status.now);
        Ok(Known { id: self.id, directory, loads, rules, agreement, now, streams })
    }
}

fn started(status: &NodeStatus) -> Incarnation {
    Incarnation(u64::try_from(status.started_at.0).unwrap_or_default())
}

fn profile(status: &NodeStatus) -> Profile {
    let urls = |names: &[&str]| {
        let of = status.endpoints.iter().filter(|one| names.contains(&one.name.as_str()));
        of.map(|one| one.url.clone()).collect()
    };
    let roles: Roles = status.roles.iter().filter_map(|role| role.parse::<Role>().ok()).collect();
    Profile {
        name: status.name.clone(),
        publish_urls: urls(&["rtmp", "rtmps"]),
        watch_urls: urls(&["http", "https"]),
        // Who is alone decides alone.
        roles: roles.with(Role::Voter),
        version: status.version.clone(),
        ..Profile::default()
    }
}

fn load(status: &NodeStatus) -> NodeLoad {
    let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    NodeLoad {
        ingest_bitrate: status.ingest_bitrate,
        streams: count(status.streams_live),
        publishers: count(status.publishers),
        viewers: count(status.viewers),
        ..NodeLoad::default()
    }
}

fn origin(id: NodeId, name: &str, stream: &StreamInfo) -> ReplicaInfo {
    ReplicaInfo {
        channel: stream.channel.clone(),
        node: id,
        node_name: name.to_owned(),
        role: ReplicaRole::Origin,
        from: None,
        from_name: None,
        hops: Vec::new(),
        lag_ms: Some(0),
        msn: stream.msn,
        viewers: stream.viewers,
    }
}

fn alone(what: &str) -> ApiError {
    ApiError::new(ErrorCode::Conflict, format!("this node is alone: {what}"))
        .hint("give the node a cluster in its configuration first")
}

impl Cluster for Lone {
    fn status(&self) -> Answer<'_, ClusterStatus> {
        Box::pin(async { Ok(self.known().await?.tell(views::status)) })
    }

    fn nodes(&self) -> Answer<'_, Vec<ClusterNode>> {
        Box::pin(async { Ok(self.known().await?.tell(views::nodes)) })
    }

    fn links(&self) -> Answer<'_, Vec<LinkInfo>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn leases(&self) -> Answer<'_, Vec<LeaseInfo>> {
        Box::pin(async { Ok(views::leases(&self.known().await?.directory)) })
    }

    fn replicas(&self) -> Answer<'_, Vec<ReplicaInfo>> {
        Box::pin(async {
            let known = self.known().await?;
            let name = known.directory.members.name(self.id);
            let copies = known.streams.iter().map(|stream| origin(self.id, &name, stream));
            Ok(views::replicas(&known.directory.members, copies.collect()))
        })
    }

    fn change_node(&self, node: NodeId, change: NodeChange, _: bool) -> Answer<'_, NodeChanged> {
        Box::pin(async move {
            let answer = views::rehearse(&self.known().await?.view(), node, change)?;
            // What is so already needs no other node to be said.
            if answer.changed {
                return Err(alone("nothing could take over what it has"));
            }
            Ok(answer)
        })
    }

    fn invites(&self) -> Answer<'_, Vec<InviteInfo>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn invite(&self, _: Invite, _: bool) -> Answer<'_, InvitedNode> {
        Box::pin(async { Err(alone("it has no address where others could join")) })
    }

    fn revoke_invite<'a>(&'a self, id: &'a str, _: bool) -> Answer<'a, InviteInfo> {
        let message = format!("there is no invitation {id}");
        Box::pin(async { Err(ApiError::new(ErrorCode::NotFound, message)) })
    }

    fn move_actor<'a>(
        &'a self,
        actor: &'a ActorId,
        _: Option<NodeId>,
        _: bool,
    ) -> Answer<'a, PlannedMove> {
        Box::pin(async move { Err(alone(&format!("{actor} could go nowhere"))) })
    }

    fn explain_actor<'a>(&'a self, actor: &'a ActorId) -> Answer<'a, PlacementInfo> {
        Box::pin(async move {
            let known = self.known().await?;
            let near = (actor.kind == ActorKind::Stream).then_some(self.id);
            Ok(placement::explain(&known.view(), &Want { actor: actor.clone(), near }))
        })
    }

    fn rebalance(&self, _: bool) -> Answer<'_, MovePlan> {
        Box::pin(async { Ok(placement::rebalance(&self.known().await?.view())) })
    }
}
