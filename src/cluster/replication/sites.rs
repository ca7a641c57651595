//! What the directory says of copying: which nodes may take part, and which copies each of them keeps.

use std::collections::BTreeSet;

use weir_model::{ActorId, ActorKind, ChannelName, NodeId, Role};

use super::{Demand, Plan, Site, plan};
use crate::directory::Directory;
use crate::members::{Member, Members};

/// The nodes that may take part: alive, and with a role that viewers or publishers come to. Each feeds at most
/// `fan_out` others with a stream.
#[must_use]
pub fn sites(members: &Members, fan_out: u32) -> Vec<Site> {
    let holds = |member: &&Member| {
        let roles = member.profile.roles;
        member.is_alive() && (roles.contains(Role::Ingest) || roles.contains(Role::Edge))
    };
    let site = |member: &Member| Site {
        id: member.id,
        zone: member.zone().map(str::to_owned),
        fan_out,
        relays: member.takes_work(),
    };
    members.iter().filter(holds).map(site).collect()
}

/// Channels of which `node` keeps a copy whoever watches, so that `copies` nodes hold each stream: those that the plan
/// gives it, which is the same on every node; and those that `goes_on` here while they have no owner, because whoever
/// takes one over may want what is held, and the copy goes on behind that.
#[must_use]
pub fn kept_at(
    node: NodeId,
    directory: &Directory,
    copies: usize,
    goes_on: impl Fn(&ChannelName) -> bool,
) -> BTreeSet<ChannelName> {
    // Who feeds whom makes no difference here.
    let sites = sites(&directory.members, 1);
    let planned = directory.leases.iter().filter(|lease| lease.node != node).filter_map(|lease| {
        let channel = channel(&lease.actor)?;
        let demand = Demand {
            stream: channel.as_str().to_owned(),
            origins: BTreeSet::from([lease.node]),
            copies,
            ..Demand::default()
        };
        plan(&sites, &demand, &Plan::default()).replicas.contains(&node).then_some(channel)
    });
    let vacant = directory.leases.vacancies().filter_map(|(actor, _)| channel(actor));
    planned.chain(vacant.filter(goes_on)).collect()
}

fn channel(actor: &ActorId) -> Option<ChannelName> {
    actor.key.as_str().parse().ok().filter(|_| actor.kind == ActorKind::Stream)
}

#[cfg(test)]
mod tests {
    use weir_model::cluster::Duty;
    use weir_model::{Incarnation, Roles};

    use super::*;
    use crate::members::{Change, Profile, WhyFenced};
    use crate::testing::{Cluster, actor, profile};

    /// Nodes that keep a copy of anything.
    fn keepers(cluster: &Cluster, copies: usize, goes_on: bool) -> Vec<u64> {
        let directory = &cluster.directory;
        let keeps = |id: &NodeId| !kept_at(*id, directory, copies, |_| goes_on).is_empty();
        directory.members.iter().map(|one| one.id).filter(keeps).map(|id| id.0).collect()
    }

    fn fence(cluster: &mut Cluster, id: u64) {
        cluster.change(Change::Fence {
            id: NodeId(id),
            incarnation: Incarnation(1),
            why: WhyFenced::Silence,
        });
    }

    #[test]
    fn who_lives_and_may_have_viewers_or_publishers_takes_part() {
        let mut cluster = Cluster::of(4);
        let roles = Roles::from_iter([Role::Voter]);
        cluster.add(5, Profile { roles, ..profile("votes") });
        fence(&mut cluster, 3);
        cluster.duty(4, Duty::Draining);
        let sites = sites(&cluster.directory.members, 7);
        let found: Vec<_> = sites.iter().map(|it| (it.id.0, it.relays, it.fan_out)).collect();
        assert_eq!(found, [(1, true, 7), (2, true, 7), (4, false, 7)]);
    }

    #[test]
    fn as_many_nodes_as_wanted_hold_a_stream_and_its_owner_is_one_of_them() {
        let mut cluster = Cluster::of(4);
        cluster.own(&actor("stream/demo"), NodeId(1));
        cluster.own(&actor("transcoder/other"), NodeId(2));
        for copies in 0..=6 {
            let keepers = keepers(&cluster, copies, false);
            assert_eq!(keepers.len(), copies.saturating_sub(1).min(3), "{copies}");
            assert!(!keepers.contains(&1));
        }
    }

    #[test]
    fn a_copy_without_viewers_outlives_the_owner_for_as_long_as_its_show_may_go_on() {
        let mut cluster = Cluster::of(2);
        cluster.own(&actor("stream/demo"), NodeId(1));
        assert_eq!(keepers(&cluster, 2, false), [2]);
        fence(&mut cluster, 1);
        assert_eq!(keepers(&cluster, 2, false), [] as [u64; 0], "its show is over");
        let kept = kept_at(NodeId(2), &cluster.directory, 2, |_| true);
        assert_eq!(kept, ["demo".parse().unwrap()].into());
    }
}
