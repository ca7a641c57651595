//! Moves of actors: planned by placement, made by a [`Mover`](super::Mover).

use weir_cluster::lease::Leases;
use weir_cluster::placement::{self, Choice, View, Want};
use weir_model::cluster::{MovePlan, NodeScore, PlannedMove, RefusedMove};
use weir_model::{ActorId, ActorKind, ApiError, ErrorCode, Lease, NodeId};

use super::{Mover, Operate};

/// An actor with what ties it to a node now: a stream to that of its publisher.
pub(super) fn as_it_is(view: &View<'_>, actor: &ActorId) -> Want {
    let lease = view.directory.leases.of(actor).filter(|_| actor.kind == ActorKind::Stream);
    Want { actor: actor.clone(), near: lease.map(|lease| lease.node) }
}

impl Operate {
    pub(super) async fn make_move(
        &self,
        actor: &ActorId,
        to: Option<NodeId>,
        dry_run: bool,
    ) -> Result<PlannedMove, ApiError> {
        let look = self.newest().await;
        let lease = look.directory.leases.of(actor).cloned().ok_or_else(|| {
            ApiError::new(ErrorCode::NotFound, format!("nobody owns {actor}"))
                .hint("`weir actor list` shows what is owned")
        })?;
        let step = plan(&look.view(), &lease, to)?;
        if !dry_run {
            self.mover.send_away(&lease, step.to).await?;
        }
        Ok(step)
    }

    pub(super) async fn make_rebalance(&self, dry_run: bool) -> Result<MovePlan, ApiError> {
        let look = self.newest().await;
        let plan = placement::rebalance(&look.view());
        if dry_run {
            return Ok(plan);
        }
        Ok(carry_out(&*self.mover, plan, &look.directory.leases).await)
    }
}

/// Makes the moves of a plan, one after the other; what is refused does not keep the others from it. What is left in
/// the plan was begun.
async fn carry_out(mover: &dyn Mover, plan: MovePlan, leases: &Leases) -> MovePlan {
    let mut done = MovePlan { moves: Vec::new(), ..plan };
    for step in plan.moves {
        let refused = match leases.of(&step.actor) {
            Some(lease) => mover.send_away(lease, step.to).await.err().map(|error| error.message),
            None => Some("nobody owns it any more".to_owned()),
        };
        match refused {
            Some(reason) => done.refused.push(RefusedMove { actor: step.actor, reason }),
            None => done.moves.push(step),
        }
    }
    done
}

/// The move that an operator means; refused when it leads nowhere.
fn plan(view: &View<'_>, lease: &Lease, to: Option<NodeId>) -> Result<PlannedMove, ApiError> {
    let (actor, name) = (&lease.actor, |node| view.directory.members.name(node));
    let refuse = |text: String| Err(ApiError::new(ErrorCode::Conflict, text));
    // As if it belonged to no node yet: a stream moves by its publisher's going elsewhere.
    let choice = placement::choose(view, &Want { actor: actor.clone(), near: None });
    let Some(target) = to.or(choice.node) else {
        return refuse(format!("{actor} can go nowhere. {}", choice.rule));
    };
    if target == lease.node {
        let why = if to.is_some() { "it is there already" } else { "no other node is better" };
        return refuse(format!("{actor} stays on {}: {why}", name(target)));
    }
    if let Some(why) = score(&choice, target).and_then(|there| there.barred.as_ref()) {
        return refuse(format!("{actor} cannot go to {}: it {why}", name(target)));
    }
    let points = |node| score(&choice, node).map(|score| score.points);
    let gain = points(target).zip(points(lease.node)).map(|(there, here)| there - here);
    let reason = match (actor.kind, to) {
        (ActorKind::Stream, _) => "its publisher is told to reconnect.".to_owned(),
        (_, Some(_)) => "an operator wants it there.".to_owned(),
        (_, None) => choice.rule.clone(),
    };
    Ok(placement::step(view, lease, Some(target), gain, reason))
}

fn score(choice: &Choice, node: NodeId) -> Option<&NodeScore> {
    choice.scores.iter().find(|score| score.node == node)
}

#[cfg(test)]
mod tests {
    use futures_util::future::BoxFuture;
    use weir_cluster::lease::LeaseCommand;
    use weir_cluster::load::Loads;
    use weir_cluster::members::{Change, Profile};
    use weir_cluster::placement::Rules;
    use weir_cluster::{Command, Directory, views};
    use weir_model::cluster::Duty;
    use weir_model::{Epoch, Incarnation, Roles, Timestamp};

    use super::*;

    const START: Incarnation = Incarnation(1);

    /// Nodes n1, n2 and n3, of which n3 is cordoned; n1 owns a stream and a transcoder.
    fn directory() -> Directory {
        let profile =
            |name: &str| Profile { name: name.into(), roles: Roles::all(), ..Profile::default() };
        let mut directory = views::alone(NodeId(1), START, profile("n1")).unwrap();
        let mut commands = Vec::new();
        for (id, name) in [(NodeId(2), "n2"), (NodeId(3), "n3")] {
            let profile = profile(name);
            commands.push(Command::Member(Change::Join { id, profile: profile.clone() }));
            commands.push(Command::Member(Change::Start { id, incarnation: START, profile }));
        }
        commands.push(Command::Member(Change::SetDuty { id: NodeId(3), duty: Duty::Cordoned }));
        for actor in ["stream/demo", "transcoder/demo/v1"] {
            commands.push(Command::Lease(LeaseCommand::Claim {
                actor: actor.parse().unwrap(),
                node: NodeId(1),
                incarnation: START,
                supersedes: None,
                at: Timestamp(0),
            }));
        }
        for (index, command) in (1..).zip(&commands) {
            directory.apply(index, command).unwrap();
        }
        directory
    }

    fn planned(actor: &str, to: Option<u64>) -> Result<PlannedMove, String> {
        let (directory, loads, rules) = (directory(), Loads::default(), Rules::default());
        let view = View { directory: &directory, loads: &loads, rules: &rules, now_ms: 0 };
        let lease = directory.leases.of(&actor.parse().unwrap()).unwrap();
        plan(&view, lease, to.map(NodeId)).map_err(|error| error.message)
    }

    #[test]
    fn a_move_goes_where_the_operator_wants_if_the_node_can_have_it() {
        let step = planned("stream/demo", Some(2)).unwrap();
        assert_eq!((step.from, step.to), (NodeId(1), Some(NodeId(2))));
        assert_eq!((step.from_name.as_str(), step.to_name.as_deref()), ("n1", Some("n2")));
        assert_eq!(step.reason, "its publisher is told to reconnect.");
        let cordoned = planned("stream/demo", Some(3)).unwrap_err();
        assert_eq!(cordoned, "stream/demo cannot go to n3: it is cordoned");
        let there = planned("stream/demo", Some(1)).unwrap_err();
        assert_eq!(there, "stream/demo stays on n1: it is there already");
    }

    #[test]
    fn without_a_wish_the_best_place_is_meant() {
        let stays = planned("transcoder/demo/v1", None).unwrap_err();
        assert!(stays.ends_with("no other node is better"), "it is beside its stream: {stays}");
    }

    /// Refuses whatever belongs to a transcoder.
    struct Picky;

    impl Mover for Picky {
        fn send_away<'a>(
            &'a self,
            lease: &'a Lease,
            _: Option<NodeId>,
        ) -> BoxFuture<'a, Result<(), ApiError>> {
            let refused = lease.actor.kind == ActorKind::Transcoder;
            let answer = match refused {
                true => Err(ApiError::new(ErrorCode::Conflict, "it cannot be moved while it runs")),
                false => Ok(()),
            };
            Box::pin(std::future::ready(answer))
        }
    }

    #[tokio::test]
    async fn what_is_refused_keeps_nothing_else_from_moving_and_is_told_at_the_end() {
        let directory = directory();
        let step = |actor: &str| PlannedMove {
            actor: actor.parse().unwrap(),
            epoch: Epoch(1),
            from: NodeId(1),
            from_name: "n1".into(),
            to: Some(NodeId(2)),
            to_name: Some("n2".into()),
            gain: None,
            reason: String::new(),
        };
        let moves = ["transcoder/demo/v1", "room/gone", "stream/demo"].map(step).into();
        let plan = MovePlan { moves, staying: 3, ..MovePlan::default() };
        let done = carry_out(&Picky, plan, &directory.leases).await;
        assert_eq!((done.moves, done.staying), (vec![step("stream/demo")], 3));
        let refused: Vec<_> =
            done.refused.iter().map(|one| (one.actor.to_string(), one.reason.as_str())).collect();
        assert_eq!(
            refused,
            [
                ("transcoder/demo/v1".to_owned(), "it cannot be moved while it runs"),
                ("room/gone".to_owned(), "nobody owns it any more"),
            ]
        );
    }

    #[test]
    fn an_explained_stream_is_where_its_publisher_is() {
        let (directory, loads, rules) = (directory(), Loads::default(), Rules::default());
        let view = View { directory: &directory, loads: &loads, rules: &rules, now_ms: 0 };
        let near = |actor: &str| as_it_is(&view, &actor.parse().unwrap()).near;
        assert_eq!(near("stream/demo"), Some(NodeId(1)));
        assert_eq!((near("stream/other"), near("transcoder/demo/v1")), (None, None));
    }
}
