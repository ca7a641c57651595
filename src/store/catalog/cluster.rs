//! Changes as the log carries them, and what the cluster keeps in the directory.
//!
//! A command holds everything that its effect depends on: ids, hashes and times are chosen by who proposes
//! it, so that every node makes the same of it. No secret is in one, only its hash.

use weir_cluster::Applied;
use weir_cluster::members::Profile;
use weir_model::charge::LedgerId;
use weir_model::{
    Access, Account, AccountId, Channel, ChannelName, InviteId, KeyId, NodeId, StreamKey,
    Timestamp, Token, TokenId,
};
use weir_people::Step;

use super::super::StoreError;
use super::super::entry::{Change, Entry};
use super::super::invite::{Admission, Invite};
use super::super::record::{Approval, ChangedRecord, ChannelRecord, ClusterRecord, Hex32};
use super::{
    AccountChange, Catalog, Guest, NewAccount, NewInvite, NewKey, NewToken, PassChange, Planned,
};

/// Lost leases that an answer names: it is kept as a record and has to fit a request between nodes, also with
/// others beside it. The directory lists all of them as vacancies.
pub(in crate::store) const LOST_TOLD_MAX: usize = 256;

/// A change of the directory.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::store) enum Command {
    CreateChannel {
        name: ChannelName,
        title: String,
        owner: AccountId,
        created_at: Timestamp,
    },
    DeleteChannel {
        name: ChannelName,
    },
    /// Says who may watch a channel.
    SetAccess {
        channel: ChannelName,
        access: Access,
    },
    CreateKey {
        channel: ChannelName,
        key: NewKey,
    },
    RotateKey {
        channel: ChannelName,
        old: KeyId,
        label: Option<String>,
        key: NewKey,
    },
    RevokeKey {
        channel: ChannelName,
        key: KeyId,
        at: Timestamp,
    },
    ReserveMsn {
        channel: ChannelName,
        count: u64,
    },
    SetOperatorToken {
        hash: Hex32,
    },
    /// About members or leases.
    Cluster(weir_cluster::Command),
    CreateInvite(NewInvite),
    /// Uses an invitation up and makes the node a member; again with the same key, says the same again.
    UseInvite {
        hash: Hex32,
        node: NodeId,
        /// Fingerprint of the node's public key. Entries of the version before have none and are good once only.
        #[serde(default)]
        key: Option<Hex32>,
        profile: Profile,
        at: Timestamp,
    },
    RevokeInvite {
        invite: InviteId,
        at: Timestamp,
    },
    CreateAccount(NewAccount),
    ChangeAccount {
        account: AccountId,
        change: AccountChange,
    },
    CreateToken(NewToken),
    RevokeToken {
        token: TokenId,
    },
    /// About a private session.
    Session(weir_session::Command),
    /// Who bought what.
    Passes(PassChange),
    /// Something that takes two people.
    Propose(Box<Approval>),
    /// What becomes of it.
    Decide {
        approval: LedgerId,
        step: Step,
    },
}

/// What a command answers.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::store) enum Answer {
    Channel(Channel),
    Key(StreamKey),
    Number(u64),
    Cluster(Applied),
    Invite(Invite),
    Admitted(Admission),
    Account(Account),
    Token(Token),
    /// Whether it changed anything.
    Session(bool),
    Approval(Box<Approval>),
}

impl Command {
    /// Whether it means nothing without an index.
    pub(in crate::store) const fn needs_log(&self) -> bool {
        match self {
            Self::Cluster(_)
            | Self::CreateInvite(_)
            | Self::UseInvite { .. }
            | Self::RevokeInvite { .. }
            | Self::Session(_)
            | Self::Passes(_)
            | Self::Propose(_)
            | Self::Decide { .. } => true,
            Self::CreateChannel { .. }
            | Self::SetAccess { .. }
            | Self::DeleteChannel { .. }
            | Self::CreateKey { .. }
            | Self::RotateKey { .. }
            | Self::RevokeKey { .. }
            | Self::ReserveMsn { .. }
            | Self::SetOperatorToken { .. }
            | Self::CreateAccount(_)
            | Self::ChangeAccount { .. }
            | Self::CreateToken(_)
            | Self::RevokeToken { .. } => false,
        }
    }

    /// Whether what runs needs it to go on, or takes something away: made also while the disk is nearly full.
    pub(in crate::store) const fn is_upkeep(&self) -> bool {
        match self {
            Self::Cluster(_)
            | Self::ReserveMsn { .. }
            | Self::DeleteChannel { .. }
            | Self::RevokeKey { .. }
            | Self::RevokeInvite { .. }
            | Self::SetOperatorToken { .. }
            | Self::RevokeToken { .. }
            | Self::Decide { .. } => true,
            Self::ChangeAccount { change, .. } => change.takes_away(),
            Self::Session(command) => command.is_upkeep(),
            Self::Passes(change) => change.is_upkeep(),
            Self::CreateChannel { .. }
            | Self::SetAccess { .. }
            | Self::CreateKey { .. }
            | Self::RotateKey { .. }
            | Self::CreateInvite(_)
            | Self::UseInvite { .. }
            | Self::CreateAccount(_)
            | Self::CreateToken(_)
            | Self::Propose(_) => false,
        }
    }
}

impl Answer {
    pub(in crate::store) fn channel(self) -> Result<Channel, StoreError> {
        if let Self::Channel(channel) = self { Ok(channel) } else { Err(unexpected()) }
    }

    pub(in crate::store) fn key(self) -> Result<StreamKey, StoreError> {
        if let Self::Key(key) = self { Ok(key) } else { Err(unexpected()) }
    }

    pub(in crate::store) fn number(self) -> Result<u64, StoreError> {
        if let Self::Number(number) = self { Ok(number) } else { Err(unexpected()) }
    }

    pub(in crate::store) fn applied(self) -> Result<Applied, StoreError> {
        if let Self::Cluster(applied) = self { Ok(applied) } else { Err(unexpected()) }
    }

    pub(in crate::store) fn invite(self) -> Result<Invite, StoreError> {
        if let Self::Invite(invite) = self { Ok(invite) } else { Err(unexpected()) }
    }

    pub(in crate::store) fn admission(self) -> Result<Admission, StoreError> {
        if let Self::Admitted(admission) = self { Ok(admission) } else { Err(unexpected()) }
    }
}

impl Answer {
    pub(in crate::store) fn account(self) -> Result<Account, StoreError> {
        if let Self::Account(account) = self { Ok(account) } else { Err(unexpected()) }
    }

    pub(in crate::store) fn session(self) -> Result<bool, StoreError> {
        if let Self::Session(changed) = self { Ok(changed) } else { Err(unexpected()) }
    }

    pub(in crate::store) fn approval(self) -> Result<Approval, StoreError> {
        if let Self::Approval(approval) = self { Ok(*approval) } else { Err(unexpected()) }
    }

    pub(in crate::store) fn token(self) -> Result<Token, StoreError> {
        if let Self::Token(token) = self { Ok(token) } else { Err(unexpected()) }
    }
}

fn unexpected() -> StoreError {
    StoreError::Io("the leader answered something else; it runs another version".into())
}

impl Catalog {
    /// What `command` changes here, as entry `index` of the log.
    pub(in crate::store) fn plan(&self, command: Command, index: u64) -> Planned<Answer> {
        let channel = |(changes, answer)| (changes, Answer::Channel(answer));
        let key = |(changes, answer)| (changes, Answer::Key(answer));
        let number = |(changes, answer)| (changes, Answer::Number(answer));
        let invite = |(changes, answer)| (changes, Answer::Invite(answer));
        let account = |(changes, answer)| (changes, Answer::Account(answer));
        let token = |(changes, answer)| (changes, Answer::Token(answer));
        let approval = |(changes, answer)| (changes, Answer::Approval(Box::new(answer)));
        match command {
            Command::CreateChannel { name, title, owner, created_at } => {
                let access = Access::Public;
                let new = ChannelRecord { name, title, owner, created_at, access };
                self.plan_channel(new).map(channel)
            }
            Command::SetAccess { channel: name, access } => {
                self.plan_access(&name, access).map(channel)
            }
            Command::DeleteChannel { name } => self.plan_deletion(&name).map(channel),
            Command::CreateKey { channel, key: new } => self.plan_key(&channel, new).map(key),
            Command::RotateKey { channel, old, label, key: new } => {
                self.plan_rotation(&channel, old, label, new).map(key)
            }
            Command::RevokeKey { channel, key: id, at } => {
                self.plan_revocation(&channel, id, at).map(key)
            }
            Command::ReserveMsn { channel, count } => {
                self.plan_reservation(&channel, count).map(number)
            }
            Command::SetOperatorToken { hash } => {
                let cluster = ClusterRecord { operator_token: hash, ..self.shared() };
                Ok((vec![Change::Put(Entry::Cluster(cluster))], Answer::Number(index)))
            }
            Command::Cluster(command) => {
                let (changes, applied) = self.plan_cluster(&command, index)?;
                Ok((changes, Answer::Cluster(applied)))
            }
            Command::CreateInvite(new) => self.plan_invite(new).map(invite),
            Command::RevokeInvite { invite: id, at } => {
                self.plan_invite_revocation(id, at).map(invite)
            }
            Command::UseInvite { hash, node, key, profile, at } => {
                let guest = Guest { node, key, profile };
                let (changes, admission) = self.plan_admission(&hash, guest, at, index)?;
                Ok((changes, Answer::Admitted(admission)))
            }
            Command::CreateToken(new) => self.plan_token(new).map(token),
            Command::RevokeToken { token: id } => self.plan_token_revocation(id).map(token),
            Command::CreateAccount(new) => self.plan_account(new).map(account),
            Command::Propose(new) => self.plan_proposal(*new).map(approval),
            Command::Decide { approval: id, step } => self.plan_decision(id, step).map(approval),
            Command::Passes(change) => self.plan_passes(change).map(number),
            Command::Session(command) => {
                let changes = self.plan_session(&command)?;
                let changed = Answer::Session(!changes.is_empty());
                Ok((changes, changed))
            }
            Command::ChangeAccount { account: id, change } => {
                self.plan_account_change(id, change).map(account)
            }
        }
    }

    /// What `command` does to members and leases.
    pub(super) fn plan_cluster(
        &self,
        command: &weir_cluster::Command,
        index: u64,
    ) -> Planned<Applied> {
        let (edits, mut applied) =
            self.directory.plan(index, command).map_err(StoreError::Cluster)?;
        if let Applied::Member { lost, .. } = &mut applied {
            lost.truncate(LOST_TOLD_MAX);
        }
        let mut changes: Vec<Change> = edits.into_iter().map(Change::from).collect();
        if !changes.is_empty() {
            changes.push(Change::Put(Entry::Changed(ChangedRecord { index })));
        }
        Ok((changes, applied))
    }

    /// What the nodes of the cluster share.
    pub(in crate::store) fn shared(&self) -> ClusterRecord {
        let of_node = || self.node.as_ref().map(ClusterRecord::from);
        let none = ClusterRecord { hash_secret: Hex32([0; 32]), operator_token: Hex32([0; 32]) };
        self.cluster.clone().or_else(of_node).unwrap_or(none)
    }

    /// Whether the cluster has records of its own yet.
    pub(in crate::store) fn has_shared(&self) -> bool {
        self.cluster.is_some()
    }

    pub(super) fn cluster_entries(&self) -> impl Iterator<Item = Entry> {
        let cluster = self.cluster.iter().cloned().map(Entry::Cluster);
        let changed =
            (self.changed > 0).then_some(Entry::Changed(ChangedRecord { index: self.changed }));
        cluster
            .chain(self.directory.parts().map(Entry::Part))
            .chain(changed)
            .chain(self.invites.values().cloned().map(Entry::Invite))
    }
}
