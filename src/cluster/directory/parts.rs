//! The directory in parts, so that whoever stores it writes what is different and not all of it.
//!
//! A decision looks at the directory and answers with [`Edit`]s; making them is all that ever changes it.
//! So a store that makes the same edits has the same directory, and one that keeps the [`Part`]s has it again.

use std::collections::VecDeque;

use weir_model::{ActorId, Epoch, Lease, NodeId};

use super::Directory;
use crate::lease::Vacancy;
use crate::members::Member;

/// A piece of the directory that is stored by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A node.
    Member(Member),
    /// The newest removals of nodes, oldest first; never empty.
    Removed(VecDeque<NodeId>),
    /// Who owns an actor.
    Lease(Lease),
    /// An actor that lost its owner.
    Vacancy(ActorId, Vacancy),
    /// The greatest epoch ever given; never zero.
    Newest(Epoch),
}

/// Names a [`Part`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKey {
    /// A node.
    Member(NodeId),
    /// All removals.
    Removed,
    /// An actor's lease.
    Lease(ActorId),
    /// An actor's vacancy.
    Vacancy(ActorId),
    /// The epochs' counter.
    Newest,
}

/// One step of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// The part is there and like this from now on.
    Put(Part),
    /// It is there no more.
    Drop(PartKey),
}

impl Part {
    /// Its name.
    #[must_use]
    pub fn key(&self) -> PartKey {
        match self {
            Self::Member(member) => PartKey::Member(member.id),
            Self::Removed(_) => PartKey::Removed,
            Self::Lease(lease) => PartKey::Lease(lease.actor.clone()),
            Self::Vacancy(actor, _) => PartKey::Vacancy(actor.clone()),
            Self::Newest(_) => PartKey::Newest,
        }
    }
}

impl Directory {
    /// Makes one step; see [`Self::plan`].
    pub fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Put(Part::Member(_) | Part::Removed(_))
            | Edit::Drop(PartKey::Member(_) | PartKey::Removed) => self.members.edit(edit),
            Edit::Put(Part::Lease(_) | Part::Vacancy(..) | Part::Newest(_))
            | Edit::Drop(PartKey::Lease(_) | PartKey::Vacancy(_) | PartKey::Newest) => {
                self.leases.edit(edit);
            }
        }
    }

    /// The part of that name.
    #[must_use]
    pub fn part(&self, key: &PartKey) -> Option<Part> {
        match key {
            PartKey::Member(id) => self.members.of(*id).cloned().map(Part::Member),
            PartKey::Removed => self.removed_part(),
            PartKey::Lease(actor) => self.leases.of(actor).cloned().map(Part::Lease),
            PartKey::Vacancy(actor) => {
                let vacancy = self.leases.vacancy(actor)?.clone();
                Some(Part::Vacancy(actor.clone(), vacancy))
            }
            PartKey::Newest => self.newest_part(),
        }
    }

    /// All parts, in an order that depends on the directory alone.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let vacancies = self.leases.vacancies();
        let members = self.members.iter().cloned().map(Part::Member);
        members
            .chain(self.removed_part())
            .chain(self.leases.iter().cloned().map(Part::Lease))
            .chain(vacancies.map(|(actor, lost)| Part::Vacancy(actor.clone(), lost.clone())))
            .chain(self.newest_part())
    }

    fn removed_part(&self) -> Option<Part> {
        let removed = self.members.removed();
        (!removed.is_empty()).then(|| Part::Removed(removed.clone()))
    }

    fn newest_part(&self) -> Option<Part> {
        let newest = self.leases.newest();
        (newest > Epoch::default()).then_some(Part::Newest(newest))
    }
}

/// The directory that has these parts; the order does not matter.
impl FromIterator<Part> for Directory {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Self {
        let mut directory = Self::default();
        parts.into_iter().for_each(|part| directory.edit(Edit::Put(part)));
        directory
    }
}
