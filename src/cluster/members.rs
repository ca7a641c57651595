//! Who is in the cluster. Replicated: changed only by [`Change`]s from the log, the same on every node.
//!
//! A node is admitted (`joining`), starts (`up`), may fall silent (`suspect`), be given up (`fenced`), start again
//! as a newer incarnation, and be removed. What operators want of it ([`Duty`]) is kept apart from how it is, so
//! that a node that is drained for repair and restarts is still being drained.

use std::collections::{BTreeMap, VecDeque};

use weir_model::cluster::{Duty, NodeState};
use weir_model::{Incarnation, NodeId, Role, Roles};

use crate::directory::{Edit, Part, PartKey};
use crate::limits::{LABELS_MAX, NODES_MAX, REMOVED_MAX, TEXT_MAX, URLS_MAX, VOTERS_MAX};

mod change;
mod keys;

pub use change::{Change, ChangeRefusal, Changed, WhyFenced};
pub use keys::{KeyPrint, Keys};

/// Steps, and what they do together.
type Planned = Result<(Vec<Edit>, Changed), ChangeRefusal>;

/// The label that names a node's failure domain: a rack, a room, a provider's zone.
pub const ZONE_LABEL: &str = "zone";

/// What a node says of itself when it starts.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Profile {
    /// Its name in tables.
    pub name: String,
    /// Where other nodes reach it, `host:port`.
    pub link: String,
    /// Where publishers reach it, base URLs.
    pub publish_urls: Vec<String>,
    /// Where viewers reach it, base URLs.
    pub watch_urls: Vec<String>,
    /// What it is there for; its certificate says the same.
    pub roles: Roles,
    /// Free labels of its configuration; `zone` is its failure domain.
    pub labels: BTreeMap<String, String>,
    /// Its share when work is spread by hash, 1 to 16; 0 counts as 1.
    pub weight: u8,
    /// Program version.
    pub version: String,
    /// The keys that it shows now and next; on record, also the one before. None from a version that names none.
    #[serde(skip_serializing_if = "Keys::is_empty")]
    pub keys: Keys,
}

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Member {
    /// Its id.
    pub id: NodeId,
    /// What it said at its newest start, or what the invitation said before.
    pub profile: Profile,
    /// Its newest start; zero before the first one.
    pub incarnation: Incarnation,
    /// How it is.
    pub state: NodeState,
    /// What operators want of it.
    pub duty: Duty,
    /// Whether it votes on the directory.
    pub voter: bool,
    /// Why it was given up, when it is.
    #[serde(default, skip_serializing_if = "WhyFenced::is_silence")]
    pub fenced: WhyFenced,
}

impl Member {
    /// Its failure domain, when it has a label.
    #[must_use]
    pub fn zone(&self) -> Option<&str> {
        self.profile.labels.get(ZONE_LABEL).map(String::as_str)
    }

    /// Whether it may get something new: up and not cordoned.
    #[must_use]
    pub fn takes_work(&self) -> bool {
        self.state == NodeState::Up && self.duty == Duty::Serving
    }

    /// Whether it may hold leases: it started and nobody gave it up.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        matches!(self.state, NodeState::Up | NodeState::Suspect)
    }
}

/// All nodes of the cluster and those that were removed last.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Members {
    nodes: BTreeMap<NodeId, Member>,
    /// Oldest first.
    #[serde(default)]
    removed: VecDeque<NodeId>,
}

impl Members {
    /// A member.
    #[must_use]
    pub fn of(&self, id: NodeId) -> Option<&Member> {
        self.nodes.get(&id)
    }

    /// All members by id.
    pub fn iter(&self) -> impl Iterator<Item = &Member> {
        self.nodes.values()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// True before the first node joined.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Voters, by id.
    pub fn voters(&self) -> impl Iterator<Item = &Member> {
        self.iter().filter(|member| member.voter)
    }

    /// Whether a node was a member and is not any more; only the newest removals are known.
    #[must_use]
    pub fn was_removed(&self, id: NodeId) -> bool {
        self.removed.contains(&id)
    }

    /// A node's name, or its id when it is no member.
    #[must_use]
    pub fn name(&self, id: NodeId) -> String {
        self.of(id).map_or_else(|| id.to_string(), |member| member.profile.name.clone())
    }

    /// The newest removals, oldest first.
    #[must_use]
    pub const fn removed(&self) -> &VecDeque<NodeId> {
        &self.removed
    }

    /// Applies a change from the log. The same changes in the same order give the same members everywhere;
    /// a change that was applied before changes nothing.
    ///
    /// # Errors
    /// When it contradicts what is there; then nothing changes.
    pub fn apply(&mut self, change: &Change) -> Result<Changed, ChangeRefusal> {
        let (edits, changed) = self.plan(change)?;
        edits.into_iter().for_each(|edit| self.edit(edit));
        Ok(changed)
    }

    /// What [`Self::apply`] would do, and its steps.
    pub(crate) fn plan(&self, change: &Change) -> Planned {
        match change {
            Change::Join { id, profile } => self.join(*id, profile),
            Change::Start { id, incarnation, profile } => self.start(*id, *incarnation, profile),
            Change::Suspect { id, incarnation } => {
                self.turn(*id, *incarnation, NodeState::Up, NodeState::Suspect)
            }
            Change::Recover { id, incarnation } => {
                self.turn(*id, *incarnation, NodeState::Suspect, NodeState::Up)
            }
            Change::Fence { id, incarnation, why } => self.fence(*id, *incarnation, *why),
            Change::SetDuty { id, duty } => self.set_duty(*id, *duty),
            Change::SetVoter { id, voter } => self.set_voter(*id, *voter),
            Change::Remove { id } => self.remove(*id),
        }
    }

    /// Makes a step that concerns members.
    pub(crate) fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Put(Part::Member(member)) => {
                self.nodes.insert(member.id, member);
            }
            Edit::Put(Part::Removed(removed)) => self.removed = removed,
            Edit::Drop(PartKey::Member(id)) => {
                self.nodes.remove(&id);
            }
            Edit::Drop(PartKey::Removed) => self.removed.clear(),
            Edit::Put(Part::Lease(_) | Part::Vacancy(..) | Part::Newest(_))
            | Edit::Drop(PartKey::Lease(_) | PartKey::Vacancy(_) | PartKey::Newest) => {}
        }
    }

    fn join(&self, id: NodeId, profile: &Profile) -> Planned {
        self.check_profile(id, profile)?;
        if self.nodes.contains_key(&id) {
            return nothing();
        }
        if self.nodes.len() >= NODES_MAX {
            return Err(ChangeRefusal::Full);
        }
        let keys = Keys::default().after(&profile.keys);
        let member = Member {
            id,
            profile: Profile { keys, ..profile.clone() },
            incarnation: Incarnation(0),
            state: NodeState::Joining,
            duty: Duty::Serving,
            voter: false,
            fenced: WhyFenced::default(),
        };
        let mut edits = vec![Edit::Put(Part::Member(member))];
        if self.was_removed(id) {
            edits.push(removals(self.removed.iter().copied().filter(|gone| *gone != id)));
        }
        Ok((edits, Changed::Something))
    }

    fn start(&self, id: NodeId, incarnation: Incarnation, profile: &Profile) -> Planned {
        self.check_profile(id, profile)?;
        let member = self.known(id)?;
        let newest = member.incarnation;
        if incarnation < newest {
            return Err(ChangeRefusal::OldIncarnation { newest });
        }
        if incarnation == newest && member.state == NodeState::Fenced {
            return Err(ChangeRefusal::Fenced);
        }
        if member.voter && !profile.roles.contains(Role::Voter) {
            return Err(ChangeRefusal::StillVotes);
        }
        // An incarnation that was fenced before has lost its leases already.
        let lost = incarnation > newest && member.is_alive();
        let state = NodeState::Up;
        let keys = member.profile.keys.after(&profile.keys);
        let profile = Profile { keys, ..profile.clone() };
        let fenced = WhyFenced::default();
        let started = Member { incarnation, profile, state, fenced, ..member.clone() };
        put(started, if lost { Changed::Lost(newest) } else { Changed::Something })
    }

    fn turn(
        &self,
        id: NodeId,
        incarnation: Incarnation,
        from: NodeState,
        to: NodeState,
    ) -> Planned {
        let member = self.known(id)?;
        if member.incarnation != incarnation || member.state != from {
            return nothing();
        }
        put(Member { state: to, ..member.clone() }, Changed::Something)
    }

    fn fence(&self, id: NodeId, incarnation: Incarnation, why: WhyFenced) -> Planned {
        let member = self.known(id)?;
        // The decision was about a process that is not there any more.
        if member.incarnation != incarnation || !member.is_alive() {
            return nothing();
        }
        let state = NodeState::Fenced;
        put(Member { state, fenced: why, ..member.clone() }, Changed::Lost(incarnation))
    }

    fn set_duty(&self, id: NodeId, duty: Duty) -> Planned {
        let member = self.known(id)?;
        if member.duty == duty {
            return nothing();
        }
        put(Member { duty, ..member.clone() }, Changed::Something)
    }

    fn set_voter(&self, id: NodeId, voter: bool) -> Planned {
        let voters = self.voters().count();
        let member = self.known(id)?;
        if member.voter == voter {
            return nothing();
        }
        if voter && !member.profile.roles.contains(Role::Voter) {
            return Err(ChangeRefusal::NoVoterRole);
        }
        if voter && voters >= VOTERS_MAX {
            return Err(ChangeRefusal::TooManyVoters);
        }
        if !voter && voters == 1 {
            return Err(ChangeRefusal::LastVoter);
        }
        put(Member { voter, ..member.clone() }, Changed::Something)
    }

    fn remove(&self, id: NodeId) -> Planned {
        if self.was_removed(id) {
            return nothing();
        }
        let member = self.known(id)?;
        if member.voter {
            return Err(ChangeRefusal::StillVotes);
        }
        let forgotten = (self.removed.len() + 1).saturating_sub(REMOVED_MAX);
        let kept = self.removed.iter().copied().skip(forgotten);
        let edits = vec![Edit::Drop(PartKey::Member(id)), removals(kept.chain([id]))];
        let lost = Changed::Lost(member.incarnation);
        Ok((edits, if member.is_alive() { lost } else { Changed::Something }))
    }

    fn known(&self, id: NodeId) -> Result<&Member, ChangeRefusal> {
        let removed = self.was_removed(id);
        let unknown = if removed { ChangeRefusal::Removed } else { ChangeRefusal::Unknown };
        self.of(id).ok_or(unknown)
    }

    fn check_profile(&self, id: NodeId, profile: &Profile) -> Result<(), ChangeRefusal> {
        let urls = [&profile.publish_urls, &profile.watch_urls];
        let labels = profile.labels.iter().flat_map(|(key, value)| [key, value]);
        let mut texts = urls.into_iter().flatten().chain(labels).chain([
            &profile.name,
            &profile.link,
            &profile.version,
        ]);
        let many =
            urls.iter().any(|urls| urls.len() > URLS_MAX) || profile.labels.len() > LABELS_MAX;
        if many || texts.any(|text| text.chars().count() > TEXT_MAX) {
            return Err(ChangeRefusal::TooLong);
        }
        let taken = |other: &&Member| other.id != id && other.profile.name == profile.name;
        match self.iter().find(taken) {
            Some(other) => Err(ChangeRefusal::NameTaken { by: other.id }),
            None => Ok(()),
        }
    }
}

fn put(member: Member, changed: Changed) -> Planned {
    Ok((vec![Edit::Put(Part::Member(member))], changed))
}

const fn nothing() -> Planned {
    Ok((Vec::new(), Changed::Nothing))
}

fn removals(left: impl Iterator<Item = NodeId>) -> Edit {
    let left: VecDeque<NodeId> = left.collect();
    if left.is_empty() { Edit::Drop(PartKey::Removed) } else { Edit::Put(Part::Removed(left)) }
}

#[cfg(test)]
mod tests;
