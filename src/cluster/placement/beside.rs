//! Where something goes that belongs to a stream: beside it.

use weir_model::{ActorId, ActorKind, NodeId, Role};

use crate::Directory;
use crate::rendezvous::ticket;

/// The node that has to run `actor`: the one that has the stream of its channel; while nobody has that, the one that
/// runs it already, so that nothing moves for a publisher who is away for a moment; else the one that wins the draw for
/// its name. Every node answers the same from the same directory, without asking for anybody's load.
#[must_use]
pub fn beside_stream(directory: &Directory, actor: &ActorId) -> Option<NodeId> {
    let stream = actor.key.channel().parse().ok();
    let stream = stream.and_then(|key| directory.leases.owner(ActorKind::Stream, &key));
    let owner = stream.or_else(|| directory.leases.of(actor)).map(|lease| lease.node);
    owner.or_else(|| drawn(directory, actor))
}

fn drawn(directory: &Directory, actor: &ActorId) -> Option<NodeId> {
    let alive = || directory.members.iter().filter(|member| member.is_alive());
    let takes_streams = || alive().filter(|member| member.profile.roles.contains(Role::Ingest));
    let name = actor.to_string();
    let best = |id: &NodeId| (ticket(&name, *id, 1), *id);
    let chosen = takes_streams().map(|member| member.id).max_by_key(best);
    chosen.or_else(|| alive().map(|member| member.id).max_by_key(best))
}

#[cfg(test)]
mod tests {
    use weir_model::Epoch;

    use super::*;
    use crate::Command;
    use crate::lease::LeaseCommand;
    use crate::testing::{Cluster, actor};

    #[test]
    fn a_session_is_beside_its_stream_and_stays_while_its_publisher_is_away() {
        let mut cluster = Cluster::of(3);
        let (session, stream) = (actor("session/demo/ses_0000000000000001"), actor("stream/demo"));
        let drawn = beside_stream(&cluster.directory, &session);
        assert!(drawn.is_some());
        assert_eq!(beside_stream(&cluster.directory, &session), drawn, "every time the same");
        cluster.own(&stream, NodeId(2));
        assert_eq!(beside_stream(&cluster.directory, &session), Some(NodeId(2)));
        cluster.own(&session, NodeId(2));
        let epoch: Epoch = cluster.directory.leases.of(&stream).unwrap().epoch;
        let release = LeaseCommand::Release { actor: stream.clone(), epoch };
        cluster.directory.apply(1_000, &Command::Lease(release)).unwrap();
        assert_eq!(beside_stream(&cluster.directory, &session), Some(NodeId(2)));
        cluster.own(&stream, NodeId(3));
        assert_eq!(beside_stream(&cluster.directory, &session), Some(NodeId(3)), "it moved");
    }

    #[test]
    fn without_anybody_alive_it_is_nowhere() {
        let session = actor("session/demo/ses_0000000000000001");
        assert_eq!(beside_stream(&Directory::default(), &session), None);
    }
}
