//! What the tests of several modules make: names, nodes, a small cluster.

use weir_model::cluster::Duty;
use weir_model::{ActorId, Incarnation, NodeId, Roles, Timestamp};

use crate::lease::LeaseCommand;
use crate::members::{Change, Profile, ZONE_LABEL};
use crate::{Command, Directory};

pub(crate) fn actor(name: &str) -> ActorId {
    name.parse().expect("an actor's name")
}

pub(crate) fn profile(name: &str) -> Profile {
    Profile { name: name.into(), roles: Roles::all(), weight: 1, ..Profile::default() }
}

/// A directory that is built step by step; its log index counts by itself.
#[derive(Default, Clone)]
pub(crate) struct Cluster {
    pub(crate) directory: Directory,
    index: u64,
}

impl Cluster {
    /// `count` nodes with the ids 1, 2, … that are up and have all roles.
    pub(crate) fn of(count: u64) -> Self {
        let mut cluster = Self::default();
        (1..=count).for_each(|id| cluster.add(id, profile(&format!("n{id}"))));
        cluster
    }

    pub(crate) fn add(&mut self, id: u64, profile: Profile) {
        self.change(Change::Join { id: NodeId(id), profile: profile.clone() });
        self.change(Change::Start { id: NodeId(id), incarnation: Incarnation(1), profile });
    }

    pub(crate) fn add_in_zone(&mut self, id: u64, zone: &str) {
        let labels = [(ZONE_LABEL.to_owned(), zone.to_owned())].into();
        self.add(id, Profile { labels, ..profile(&format!("n{id}")) });
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.index += 1;
        self.directory.apply(self.index, &Command::Member(change)).expect("a change that fits");
    }

    pub(crate) fn duty(&mut self, id: u64, duty: Duty) {
        self.change(Change::SetDuty { id: NodeId(id), duty });
    }

    /// Gives an actor to a node, whoever has it.
    pub(crate) fn own(&mut self, name: &ActorId, node: NodeId) {
        self.index += 1;
        let supersedes = self.directory.leases.of(name).map(|lease| lease.epoch);
        let claim = LeaseCommand::Claim {
            actor: name.clone(),
            node,
            incarnation: Incarnation(1),
            supersedes,
            at: Timestamp(0),
        };
        self.directory.apply(self.index, &Command::Lease(claim)).expect("a claim that fits");
    }
}
