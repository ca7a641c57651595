//! What the cluster agrees on, as the store's callers see it: members, leases and invitations. All of it is
//! changed by the log only; without one, changes are refused.

use std::sync::Arc;

use tokio::sync::watch;
use weir_cluster::Applied;
use weir_cluster::members::Profile;
use weir_model::{InviteId, NodeId, Roles, Timestamp};

use super::catalog::{Command, NewInvite};
use super::identity::{self, Purpose};
use super::record::Hex32;
use super::{Admission, Invite, Store, StoreError};

impl Store {
    /// Members and leases as they are now; what comes later does not change them. Costs nothing, but a change
    /// made while somebody holds this copies the directory first: look, and let go.
    #[must_use]
    pub fn cluster(&self) -> Arc<weir_cluster::Directory> {
        Arc::clone(&self.inner.held.catalog.read().directory)
    }

    /// The index of the newest entry of the log that changed members or leases, 0 before the first. Whoever is
    /// told of an index finds its change, and maybe later ones, in [`Self::cluster`].
    #[must_use]
    pub fn cluster_changes(&self) -> watch::Receiver<u64> {
        self.inner.held.changed.subscribe()
    }

    /// Changes members or leases. The answer comes when the log has it; this node's [`Self::cluster`] may learn of
    /// it a little later. Of lost leases, the first 256 are named; the directory lists all as vacancies.
    ///
    /// # Errors
    /// [`StoreError::Cluster`] with the refusal; or when the change is not made.
    pub async fn change_cluster(
        &self,
        command: weir_cluster::Command,
    ) -> Result<Applied, StoreError> {
        self.change(Command::Cluster(command)).await?.applied()
    }

    /// The same for what a leader decides from what it alone knows, as that a node is given up: made by this node
    /// as leader, or not at all.
    ///
    /// # Errors
    /// As [`Self::change_cluster`]; and when this node does not lead.
    pub async fn decide_cluster(
        &self,
        command: weir_cluster::Command,
    ) -> Result<Applied, StoreError> {
        let proposer = self.inner.proposer.get().ok_or_else(super::without_log)?;
        super::directory::decide(&**proposer, &Command::Cluster(command)).await?.applied()
    }

    /// The key under which the secrets of invitations are hashed; the same on every node and for ever. Not to be
    /// shown or logged.
    #[must_use]
    pub fn invitation_key(&self) -> [u8; 32] {
        let shared = self.inner.held.catalog.read().shared();
        identity::hash(&shared.hash_secret, Purpose::Invitations, "").0
    }

    /// The key of the tickets by which viewers are known again; the same on every node. A node that joins has one
    /// of its own until the log has reached it. Not to be shown or logged.
    #[must_use]
    pub fn ticket_key(&self) -> [u8; 32] {
        let shared = self.inner.held.catalog.read().shared();
        identity::hash(&shared.hash_secret, Purpose::Tickets, "").0
    }

    /// The invitations that are remembered, oldest first.
    #[must_use]
    pub fn invites(&self) -> Vec<Invite> {
        let catalog = self.inner.held.catalog.read();
        let mut invites: Vec<Invite> = catalog.invites.values().map(Invite::from).collect();
        invites.sort_by_key(|invite| (invite.created_at, invite.id));
        invites
    }

    /// Makes an invitation for nodes with `roles`. `secret_hash` is all that is kept of its secret.
    ///
    /// # Errors
    /// When the end has passed, no role is named, or 256 others are open.
    pub async fn create_invite(
        &self,
        secret_hash: [u8; 32],
        roles: Roles,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<Invite, StoreError> {
        let (id, hash) = (InviteId(identity::id()?), Hex32(secret_hash));
        let new = NewInvite { id, hash, roles, made_by: self.operator(), expires_at, now };
        self.change(Command::CreateInvite(new)).await?.invite()
    }

    /// Uses up the invitation whose secret has this hash and makes `node` a member, in one step. It gets the roles
    /// of `profile`, or all that the invitation is for when it names none. `key_hash` is what is kept of its public
    /// key: the same node with the same key is told the same again, until the invitation expires.
    ///
    /// # Errors
    /// [`StoreError::Invite`] when it is unknown, used, taken back, expired or not for a role, or the node is a
    /// member already; [`StoreError::Cluster`] when the node cannot join. The invitation is then still good.
    pub async fn use_invite(
        &self,
        secret_hash: [u8; 32],
        node: NodeId,
        key_hash: [u8; 32],
        profile: Profile,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let (hash, key) = (Hex32(secret_hash), Some(Hex32(key_hash)));
        let command = Command::UseInvite { hash, node, key, profile, at: now };
        self.change(command).await?.admission()
    }

    /// Takes an invitation back; twice changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Invite`] when it is unknown or was used.
    pub async fn revoke_invite(
        &self,
        invite: InviteId,
        now: Timestamp,
    ) -> Result<Invite, StoreError> {
        self.change(Command::RevokeInvite { invite, at: now }).await?.invite()
    }
}
