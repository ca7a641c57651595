//! Where each record lies in the database: `kind/name`, so that a scan reads like a listing.

use weir_cluster::directory::{Edit, Part, PartKey};
use weir_model::charge::LedgerId;
use weir_model::{AccountId, ActorId, ChannelName, InviteId, KeyId, NodeId, SessionId, TokenId};
use weir_session::{Good, Pass, PassId, Renewal, Session};

use super::record::{
    self, AccountRecord, Approval, ChangedRecord, ChannelRecord, ClusterRecord, EpochRecord,
    ForgottenRecord, InviteRecord, KeyRecord, LeaseRecord, MsnRecord, NodeRecord, PlaceRecord,
    RecordError, RemovedRecord, ReplyRecord, TokenRecord, VacancyRecord,
};
use super::sled::RawChange;

/// A record with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Account(AccountRecord),
    /// What takes two people; large beside the others.
    Approval(Box<Approval>),
    /// When members or leases changed.
    Changed(ChangedRecord),
    Channel(ChannelRecord),
    Cluster(ClusterRecord),
    /// Replies that were forgotten.
    Forgotten(ForgottenRecord),
    Invite(InviteRecord),
    Key(KeyRecord),
    /// Numbers of a channel's segments.
    Msn(ChannelName, MsnRecord),
    /// Where numbers of a new channel begin: above those of every channel that was deleted, so that
    /// one made again under an old name never reuses a segment's URL.
    MsnFloor(MsnRecord),
    Node(NodeRecord),
    /// Of the directory of members and leases.
    Part(Part),
    /// That somebody may watch what is sold.
    Pass(Pass),
    Place(PlaceRecord),
    /// That somebody stays a member.
    Renewal(Renewal),
    Reply(ReplyRecord),
    /// Large beside the others.
    Session(Box<Session>),
    Token(TokenRecord),
}

/// One step of a change. The same steps go to the disk and to the catalog in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Put(Entry),
    /// Takes back that one was made; nothing else removes accounts.
    RemoveAccount(AccountId),
    RemoveApproval(LedgerId),
    RemoveChannel(ChannelName),
    RemoveInvite(InviteId),
    RemoveKey(KeyId),
    RemoveMsn(ChannelName),
    RemovePart(PartKey),
    RemovePass(PassId),
    RemoveRenewal(ChannelName, AccountId),
    RemoveReply(u64),
    RemoveSession(SessionId),
    RemoveToken(TokenId),
}

impl Entry {
    /// Its name in the database.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Account(account) => account_name(account.id),
            Self::Approval(one) => approval_name(one.proposal.id),
            Self::Channel(channel) => channel_name(&channel.name),
            Self::Key(key) => key_name(key.id),
            Self::Msn(channel, _) => msn_name(channel),
            Self::MsnFloor(_) => "msn-floor".into(),
            Self::Node(_) => "node".into(),
            Self::Cluster(_) => "cluster".into(),
            Self::Forgotten(_) => "forgotten".into(),
            Self::Changed(_) => "changed".into(),
            Self::Invite(invite) => invite_name(invite.id),
            Self::Part(part) => part_name(&part.key()),
            Self::Pass(pass) => pass_name(&pass.id),
            Self::Place(_) => "place".into(),
            Self::Renewal(one) => renewal_name(&one.channel, one.account),
            Self::Reply(reply) => reply_name(reply.number),
            Self::Session(session) => session_name(session.id),
            Self::Token(token) => token_name(token.id),
        }
    }

    /// Its bytes in the database.
    pub(super) fn encode(&self) -> Result<Vec<u8>, RecordError> {
        match self {
            Self::Account(account) => record::encode(account),
            Self::Approval(one) => record::encode(one.as_ref()),
            Self::Channel(channel) => record::encode(channel),
            Self::Key(key) => record::encode(key),
            Self::Msn(_, msn) | Self::MsnFloor(msn) => record::encode(msn),
            Self::Node(node) => record::encode(node),
            Self::Cluster(cluster) => record::encode(cluster),
            Self::Forgotten(forgotten) => record::encode(forgotten),
            Self::Changed(changed) => record::encode(changed),
            Self::Invite(invite) => record::encode(invite),
            Self::Part(part) => encode_part(part),
            Self::Pass(pass) => record::encode(pass),
            Self::Place(place) => record::encode(place),
            Self::Renewal(renewal) => record::encode(renewal),
            Self::Reply(reply) => record::encode(reply),
            Self::Session(session) => record::encode(session.as_ref()),
            Self::Token(token) => record::encode(token),
        }
    }

    /// The entry that lies at `name`.
    pub(super) fn decode(name: &[u8], bytes: &[u8]) -> Result<Self, RecordError> {
        let name = std::str::from_utf8(name).map_err(|_| RecordError::UnknownName)?;
        let (kind, rest) = name.split_once('/').unwrap_or((name, ""));
        let entry = match kind {
            "account" => Self::Account(record::decode(bytes)?),
            "approval" => Self::Approval(Box::new(record::decode(bytes)?)),
            "channel" => Self::Channel(record::decode(bytes)?),
            "key" => Self::Key(record::decode(bytes)?),
            "msn" => {
                let channel = rest.parse().map_err(|_| RecordError::UnknownName)?;
                Self::Msn(channel, record::decode(bytes)?)
            }
            "msn-floor" => Self::MsnFloor(record::decode(bytes)?),
            "node" => Self::Node(record::decode(bytes)?),
            "cluster" => Self::Cluster(record::decode(bytes)?),
            "forgotten" => Self::Forgotten(record::decode(bytes)?),
            "changed" => Self::Changed(record::decode(bytes)?),
            "invite" => Self::Invite(record::decode(bytes)?),
            "member" | "removed" | "lease" | "vacancy" | "epoch" => {
                Self::Part(decode_part(kind, bytes)?)
            }
            "pass" => Self::Pass(record::decode(bytes)?),
            "place" => Self::Place(record::decode(bytes)?),
            "renewal" => Self::Renewal(record::decode(bytes)?),
            "reply" => Self::Reply(record::decode(bytes)?),
            "session" => Self::Session(Box::new(record::decode(bytes)?)),
            "token" => Self::Token(record::decode(bytes)?),
            _ => return Err(RecordError::UnknownName),
        };
        if entry.name() == name { Ok(entry) } else { Err(RecordError::Misnamed(entry.name())) }
    }
}

impl From<Edit> for Change {
    fn from(edit: Edit) -> Self {
        match edit {
            Edit::Put(part) => Self::Put(Entry::Part(part)),
            Edit::Drop(key) => Self::RemovePart(key),
        }
    }
}

impl Change {
    /// What the database does.
    pub(super) fn raw(&self) -> Result<RawChange, RecordError> {
        Ok(match self {
            Self::Put(entry) => (entry.name().into_bytes(), Some(entry.encode()?)),
            Self::RemoveChannel(channel) => (channel_name(channel).into_bytes(), None),
            Self::RemoveKey(key) => (key_name(*key).into_bytes(), None),
            Self::RemoveMsn(channel) => (msn_name(channel).into_bytes(), None),
            Self::RemoveInvite(invite) => (invite_name(*invite).into_bytes(), None),
            Self::RemovePart(key) => (part_name(key).into_bytes(), None),
            Self::RemovePass(id) => (pass_name(id).into_bytes(), None),
            Self::RemoveRenewal(channel, account) => {
                (renewal_name(channel, *account).into_bytes(), None)
            }
            Self::RemoveReply(number) => (reply_name(*number).into_bytes(), None),
            Self::RemoveSession(session) => (session_name(*session).into_bytes(), None),
            Self::RemoveApproval(id) => (approval_name(*id).into_bytes(), None),
            Self::RemoveAccount(account) => (account_name(*account).into_bytes(), None),
            Self::RemoveToken(token) => (token_name(*token).into_bytes(), None),
        })
    }
}

fn account_name(id: AccountId) -> String {
    format!("account/{id}")
}

fn approval_name(id: LedgerId) -> String {
    format!("approval/{id}")
}

fn channel_name(name: &ChannelName) -> String {
    format!("channel/{name}")
}

fn key_name(id: KeyId) -> String {
    format!("key/{id}")
}

fn invite_name(id: InviteId) -> String {
    format!("invite/{id}")
}

fn part_name(key: &PartKey) -> String {
    match key {
        PartKey::Member(id) => member_name(*id),
        PartKey::Removed => "removed".into(),
        PartKey::Lease(actor) => lease_name(actor),
        PartKey::Vacancy(actor) => format!("vacancy/{actor}"),
        PartKey::Newest => "epoch".into(),
    }
}

/// Where a node of the cluster lies.
pub(super) fn member_name(id: NodeId) -> String {
    format!("member/{id}")
}

/// Where an actor's lease lies.
pub(super) fn lease_name(actor: &ActorId) -> String {
    format!("lease/{actor}")
}

fn encode_part(part: &Part) -> Result<Vec<u8>, RecordError> {
    match part {
        Part::Member(member) => record::encode(member),
        Part::Removed(nodes) => record::encode(&RemovedRecord { nodes: nodes.clone() }),
        Part::Lease(lease) => record::encode(&LeaseRecord::from(lease)),
        Part::Vacancy(actor, lost) => record::encode(&VacancyRecord::new(actor, lost)),
        Part::Newest(newest) => record::encode(&EpochRecord { newest: *newest }),
    }
}

fn decode_part(kind: &str, bytes: &[u8]) -> Result<Part, RecordError> {
    Ok(match kind {
        "member" => Part::Member(record::decode(bytes)?),
        "removed" => Part::Removed(record::decode::<RemovedRecord>(bytes)?.nodes),
        "lease" => Part::Lease(record::decode::<LeaseRecord>(bytes)?.into()),
        "vacancy" => record::decode::<VacancyRecord>(bytes)?.into(),
        "epoch" => Part::Newest(record::decode::<EpochRecord>(bytes)?.newest),
        _ => return Err(RecordError::UnknownName),
    })
}

/// So that a scan lists replies in their order.
fn reply_name(number: u64) -> String {
    format!("reply/{number:016x}")
}

fn pass_name(id: &PassId) -> String {
    match id.good {
        Good::Channel(channel) => format!("pass/member/{channel:032x}/{}", id.account),
        Good::Event(event) => format!("pass/ticket/{event:032x}/{}", id.account),
    }
}

fn renewal_name(channel: &ChannelName, account: AccountId) -> String {
    format!("renewal/{channel}/{account}")
}

fn session_name(id: SessionId) -> String {
    format!("session/{id}")
}

fn token_name(id: TokenId) -> String {
    format!("token/{id}")
}

fn msn_name(channel: &ChannelName) -> String {
    format!("msn/{channel}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_from_its_own_place_only() {
        let entry = Entry::Msn("demo".parse().unwrap(), MsnRecord { next: 7 });
        let bytes = entry.encode().unwrap();
        assert_eq!(Entry::decode(b"msn/demo", &bytes), Ok(entry));
        assert_eq!(Entry::decode(b"msn/../x", &bytes), Err(RecordError::UnknownName));
        assert_eq!(Entry::decode(b"stuff", &bytes), Err(RecordError::UnknownName));
        let moved = Entry::decode(b"msn-floor/demo", &bytes);
        assert_eq!(moved, Err(RecordError::Misnamed("msn-floor".into())));
    }
}
