//! Moves of actors: planned by placement, made by a [`Mover`](super::Mover).

use weir_cluster::placement::{self, Choice, View, Want};
use weir_model::cluster::{MovePlan, NodeScore, PlannedMove};
use weir_model::{ActorId, ActorKind, ApiError, ErrorCode, Lease, NodeId};

use super::Operate;

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
        for step in &plan.moves {
            if let Some(lease) = look.directory.leases.of(&step.actor) {
                self.mover.send_away(lease, step.to).await?;
            }
        }
        Ok(plan)
    }
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
    let (actor, epoch, from) = (actor.clone(), lease.epoch, lease.node);
    Ok(PlannedMove { actor, epoch, from, to: Some(target), gain, reason })
}

fn score(choice: &Choice, node: NodeId) -> Option<&NodeScore> {
    choice.scores.iter().find(|score| score.node == node)
}
