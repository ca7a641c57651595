//! Invitations: made, used once or taken back, and forgotten when they are of no use and others need the place.

use weir_cluster::members::{Change as MemberChange, Profile};
use weir_model::{AccountId, InviteId, NodeId, Roles, Timestamp};

use super::super::StoreError;
use super::super::entry::{Change, Entry};
use super::super::invite::{Admission, Invite, InviteRefusal};
use super::super::record::{Hex32, InviteRecord};
use super::{Catalog, Planned};

/// Invitations that are remembered: more than an operator has open, few enough to look through for a secret.
pub(in crate::store) const INVITES_MAX: usize = 256;

/// What a new invitation is made of.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(in crate::store) struct NewInvite {
    pub(in crate::store) id: InviteId,
    pub(in crate::store) hash: Hex32,
    pub(in crate::store) roles: Roles,
    pub(in crate::store) made_by: AccountId,
    pub(in crate::store) expires_at: Timestamp,
    pub(in crate::store) now: Timestamp,
}

/// Who shows an invitation.
#[derive(Debug, Clone)]
pub(in crate::store) struct Guest {
    pub(in crate::store) node: NodeId,
    /// Fingerprint of its public key.
    pub(in crate::store) key: Option<Hex32>,
    pub(in crate::store) profile: Profile,
}

impl InviteRecord {
    /// Whether it admitted this very guest: the answer may have been lost.
    fn admitted(&self, guest: &Guest) -> bool {
        self.used_by == Some(guest.node) && self.used_key.is_some() && self.used_key == guest.key
    }

    /// Why it admits nobody at `now`, but maybe whom it admitted before.
    fn check_life(&self, now: Timestamp) -> Result<(), InviteRefusal> {
        if self.revoked_at.is_some() {
            return Err(InviteRefusal::Revoked);
        }
        if self.expires_at <= now {
            return Err(InviteRefusal::Expired(self.expires_at));
        }
        Ok(())
    }

    /// Why it admits nobody at `now`.
    fn check(&self, now: Timestamp) -> Result<(), InviteRefusal> {
        if self.used_by.is_some() {
            return Err(InviteRefusal::Used);
        }
        self.check_life(now)
    }

    /// The roles of a newcomer that wants these; all that the invitation is for when it says none.
    fn grant(&self, wanted: Roles) -> Result<Roles, InviteRefusal> {
        match wanted.iter().find(|role| !self.roles.contains(*role)) {
            Some(role) => Err(InviteRefusal::Role(role)),
            None if wanted.is_empty() => Ok(self.roles),
            None => Ok(wanted),
        }
    }
}

impl Catalog {
    /// Makes an invitation. When there are too many, the oldest that admits nobody is forgotten.
    pub(super) fn plan_invite(&self, new: NewInvite) -> Planned<Invite> {
        let NewInvite { id, hash, roles, made_by, expires_at, now } = new;
        if roles.is_empty() {
            return Err(StoreError::Invalid("an invitation is for at least one role".into()));
        }
        if expires_at <= now {
            return Err(StoreError::Invalid("the invitation would have expired already".into()));
        }
        if self.invites.contains_key(&id) || self.invite_by_hash(&hash).is_some() {
            return Err(StoreError::Exists { what: format!("invitation {id}") });
        }
        let mut changes = Vec::new();
        if self.invites.len() >= INVITES_MAX {
            let limit = INVITES_MAX;
            let full = || StoreError::Limit { what: "open invitations".into(), limit };
            let dead = self.invites.values().filter(|invite| invite.check(now).is_err());
            let oldest = dead.min_by_key(|invite| (invite.created_at, invite.id));
            changes.push(Change::RemoveInvite(oldest.ok_or_else(full)?.id));
        }
        let (created_at, used_by, used_key, used_at, revoked_at) = (now, None, None, None, None);
        let record = InviteRecord {
            id,
            hash,
            roles,
            made_by,
            created_at,
            expires_at,
            used_by,
            used_key,
            used_at,
            revoked_at,
        };
        let answer = Invite::from(&record);
        changes.push(Change::Put(Entry::Invite(record)));
        Ok((changes, answer))
    }

    /// Takes an invitation back; one that was taken back already stays as it is.
    pub(super) fn plan_invite_revocation(&self, id: InviteId, now: Timestamp) -> Planned<Invite> {
        let unknown = StoreError::Invite(InviteRefusal::Unknown);
        let mut invite = self.invites.get(&id).cloned().ok_or(unknown)?;
        if invite.used_by.is_some() {
            return Err(StoreError::Invite(InviteRefusal::Used));
        }
        if invite.revoked_at.is_some() {
            return Ok((Vec::new(), Invite::from(&invite)));
        }
        invite.revoked_at = Some(now);
        let answer = Invite::from(&invite);
        Ok((vec![Change::Put(Entry::Invite(invite))], answer))
    }

    /// Uses an invitation up and makes the node a member, both or neither. An id that is a member's is refused:
    /// a guest must not get a certificate in its name. Whom the invitation admitted shows it again with the same
    /// key while it lives, as a member, and is told the same: a join that failed half-way is not lost.
    pub(super) fn plan_admission(
        &self,
        hash: &Hex32,
        guest: Guest,
        now: Timestamp,
        index: u64,
    ) -> Planned<Admission> {
        let refused = StoreError::Invite;
        let found = self.invite_by_hash(hash).ok_or_else(|| refused(InviteRefusal::Unknown))?;
        let member = self.directory.members.of(guest.node);
        if let Some(member) = member.filter(|_| found.admitted(&guest)) {
            found.check_life(now).map_err(refused)?;
            let roles = member.profile.roles;
            return Ok((Vec::new(), Admission { invite: found.id, roles }));
        }
        found.check(now).map_err(refused)?;
        let Guest { node, key, mut profile } = guest;
        let roles = found.grant(profile.roles).map_err(refused)?;
        if member.is_some() {
            return Err(refused(InviteRefusal::Member(node)));
        }
        profile.roles = roles;
        let join = weir_cluster::Command::Member(MemberChange::Join { id: node, profile });
        let (mut changes, _) = self.plan_cluster(&join, index)?;
        let used = InviteRecord {
            used_by: Some(node),
            used_key: key,
            used_at: Some(now),
            ..found.clone()
        };
        let invite = used.id;
        changes.push(Change::Put(Entry::Invite(used)));
        Ok((changes, Admission { invite, roles }))
    }

    fn invite_by_hash(&self, hash: &Hex32) -> Option<&InviteRecord> {
        self.invites.values().find(|invite| invite.hash == *hash)
    }
}

#[cfg(test)]
mod tests {
    use weir_cluster::members::ChangeRefusal;
    use weir_model::Role;

    use super::*;
    use crate::store::catalog::Command;
    use crate::store::catalog::testing::{invite, join, profile, secret};

    fn make<T>(catalog: &mut Catalog, planned: Planned<T>) -> Result<T, StoreError> {
        let (changes, answer) = planned?;
        changes.iter().for_each(|change| catalog.apply(change));
        Ok(answer)
    }

    fn with_invite() -> Catalog {
        let mut catalog = Catalog::default();
        let planned = catalog.plan_invite(invite(1, 0));
        make(&mut catalog, planned).unwrap();
        catalog
    }

    fn guest(node: u64, name: &str, roles: Roles) -> Guest {
        let key = Some(Hex32([node as u8; 32]));
        Guest { node: NodeId(node), key, profile: Profile { roles, ..profile(name) } }
    }

    fn admit(catalog: &mut Catalog, secret_of: u64, node: u64, now: i64) -> Result<Roles, String> {
        let guest = guest(node, &format!("n{node}"), Roles::default());
        show(catalog, secret_of, guest, now)
    }

    fn show(
        catalog: &mut Catalog,
        secret_of: u64,
        guest: Guest,
        now: i64,
    ) -> Result<Roles, String> {
        let planned = catalog.plan_admission(&secret(secret_of), guest, Timestamp(now), 9);
        let admission = make(catalog, planned).map_err(|error| error.to_string());
        admission.map(|admission| admission.roles)
    }

    #[test]
    fn an_invitation_admits_one_node_with_its_roles_and_no_other() {
        let mut catalog = with_invite();
        let roles = admit(&mut catalog, 1, 5, 99).unwrap();
        assert_eq!(roles.to_string(), "ingest,edge");
        assert_eq!(catalog.directory.members.of(NodeId(5)).unwrap().profile.roles, roles);
        assert_eq!(catalog.invites[&InviteId(1)].used_by, Some(NodeId(5)));
        assert_eq!(catalog.changed, 9);
        let again = admit(&mut catalog, 1, 6, 99).unwrap_err();
        assert!(again.contains("used already"), "{again}");
        assert!(catalog.directory.members.of(NodeId(6)).is_none());
    }

    #[test]
    fn each_reason_not_to_admit_is_said_in_other_words() {
        let mut catalog = with_invite();
        assert!(admit(&mut catalog, 7, 5, 1).unwrap_err().contains("no such invitation"));
        assert!(admit(&mut catalog, 1, 5, 100).unwrap_err().contains("expired at"));
        let planned = catalog.plan_invite_revocation(InviteId(1), Timestamp(50));
        make(&mut catalog, planned).unwrap();
        assert!(admit(&mut catalog, 1, 5, 60).unwrap_err().contains("taken back"));
        let (again, _) = catalog.plan_invite_revocation(InviteId(1), Timestamp(70)).unwrap();
        assert!(again.is_empty());
        let unknown = catalog.plan_invite_revocation(InviteId(2), Timestamp(70)).unwrap_err();
        assert!(matches!(unknown, StoreError::Invite(InviteRefusal::Unknown)));
    }

    #[test]
    fn an_invitation_that_admitted_nobody_is_still_good() {
        let mut catalog = with_invite();
        let planned = catalog.plan(Command::Cluster(join(5)), 3);
        make(&mut catalog, planned).unwrap();
        let twice = admit(&mut catalog, 1, 5, 1).unwrap_err();
        assert!(twice.contains("is a member of the cluster already"), "{twice}");
        let voter = guest(6, "n6", Roles::all());
        let refused = catalog.plan_admission(&secret(1), voter, Timestamp(1), 4);
        let role = refused.unwrap_err();
        assert!(matches!(role, StoreError::Invite(InviteRefusal::Role(Role::Voter))), "{role}");
        let twin = guest(6, "n5", Roles::default());
        let refused = catalog.plan_admission(&secret(1), twin, Timestamp(1), 4);
        let taken = weir_cluster::Refusal::Member(ChangeRefusal::NameTaken { by: NodeId(5) });
        assert!(matches!(refused, Err(StoreError::Cluster(why)) if why == taken));
        assert!(admit(&mut catalog, 1, 6, 1).is_ok());
        let used = catalog.plan_invite_revocation(InviteId(1), Timestamp(2)).unwrap_err();
        assert!(matches!(used, StoreError::Invite(InviteRefusal::Used)));
    }

    #[test]
    fn who_was_admitted_is_told_so_again_with_the_same_key_and_nobody_else() {
        let mut catalog = with_invite();
        let roles = admit(&mut catalog, 1, 5, 50).unwrap();
        let same = guest(5, "n5", Roles::default());
        let planned = catalog.plan_admission(&secret(1), same, Timestamp(99), 9).unwrap();
        assert_eq!((planned.0.len(), planned.1.roles), (0, roles), "the answer was lost");
        let other_key = Guest { key: Some(Hex32([9; 32])), ..guest(5, "n5", Roles::default()) };
        let no_key = Guest { key: None, ..other_key.clone() };
        let other_node = Guest { node: NodeId(6), ..guest(5, "n6", Roles::default()) };
        for thief in [other_key, no_key, other_node] {
            let refused = show(&mut catalog, 1, thief.clone(), 60).unwrap_err();
            assert!(refused.contains("used already"), "{thief:?}: {refused}");
        }
        assert!(admit(&mut catalog, 1, 5, 100).unwrap_err().contains("expired at"));
        let gone = weir_cluster::Command::Member(MemberChange::Remove { id: NodeId(5) });
        let planned = catalog.plan(Command::Cluster(gone), 10);
        make(&mut catalog, planned).unwrap();
        let removed = admit(&mut catalog, 1, 5, 60).unwrap_err();
        assert!(removed.contains("used already"), "{removed}");
    }

    #[test]
    fn an_invitation_that_was_used_without_a_key_is_good_once() {
        let mut catalog = with_invite();
        let old = Guest { key: None, ..guest(5, "n5", Roles::default()) };
        show(&mut catalog, 1, old.clone(), 50).unwrap();
        assert!(show(&mut catalog, 1, old, 51).unwrap_err().contains("used already"));
    }

    #[test]
    fn an_invitation_is_for_something_and_for_a_while_and_once_there() {
        let mut catalog = with_invite();
        let none = NewInvite { roles: Roles::default(), ..invite(2, 0) };
        assert!(matches!(catalog.plan_invite(none), Err(StoreError::Invalid(_))));
        let dead = NewInvite { expires_at: Timestamp(5), ..invite(2, 5) };
        assert!(matches!(catalog.plan_invite(dead), Err(StoreError::Invalid(_))));
        let same_secret = NewInvite { hash: secret(1), ..invite(2, 0) };
        assert!(matches!(catalog.plan_invite(same_secret), Err(StoreError::Exists { .. })));
        let other = NewInvite { hash: secret(2), ..invite(1, 0) };
        let planned = catalog.plan_invite(other);
        assert!(matches!(make(&mut catalog, planned), Err(StoreError::Exists { .. })));
    }

    #[test]
    fn the_oldest_that_admits_nobody_makes_room_and_a_good_one_never_does() {
        let mut catalog = Catalog::default();
        for id in 0..INVITES_MAX as u64 {
            let planned = catalog.plan_invite(invite(id, id as i64 % 50));
            make(&mut catalog, planned).unwrap();
        }
        let full = catalog.plan_invite(invite(1000, 60));
        assert!(matches!(full, Err(StoreError::Limit { .. })));
        let planned = catalog.plan_invite_revocation(InviteId(7), Timestamp(60));
        make(&mut catalog, planned).unwrap();
        admit(&mut catalog, 3, 1, 60).unwrap();
        for (id, forgotten) in [(1000, 3), (1001, 7)] {
            let planned = catalog.plan_invite(invite(id, 60));
            make(&mut catalog, planned).unwrap();
            assert_eq!(catalog.invites.len(), INVITES_MAX);
            assert!(!catalog.invites.contains_key(&InviteId(forgotten)));
        }
        let planned = catalog.plan_invite(invite(1002, 100));
        make(&mut catalog, planned).unwrap();
        assert!(!catalog.invites.contains_key(&InviteId(0)), "it had expired");
    }
}
