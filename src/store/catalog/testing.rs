//! Commands about the cluster, as several tests make them.

use proptest::prelude::*;
use weir_cluster::Command as ClusterCommand;
use weir_cluster::lease::LeaseCommand;
use weir_cluster::members::{Change, KeyPrint, Profile, WhyFenced};
use weir_model::cluster::Duty;
use weir_model::{
    AccountId, AccountRole, ActorId, Epoch, Incarnation, InviteId, NodeId, Role, Roles, Timestamp,
    TokenId, TokenKind,
};

use super::super::PasswordHash;
use super::super::record::Hex32;
use super::{AccountChange, Command, NewAccount, NewInvite, NewToken};

pub(in crate::store) fn profile(name: &str) -> Profile {
    Profile { name: name.into(), roles: Roles::all(), ..Profile::default() }
}

pub(in crate::store) fn join(id: u64) -> ClusterCommand {
    let profile = profile(&format!("n{id}"));
    ClusterCommand::Member(Change::Join { id: NodeId(id), profile })
}

pub(in crate::store) fn start(id: u64, incarnation: u64) -> ClusterCommand {
    // It renews its certificate at each start.
    let keys = [incarnation, incarnation + 1].map(|key| KeyPrint([key as u8; 32])).into();
    let (id, profile) = (NodeId(id), Profile { keys, ..profile(&format!("n{id}")) });
    ClusterCommand::Member(Change::Start { id, incarnation: Incarnation(incarnation), profile })
}

fn room(key: &str) -> ActorId {
    format!("room/{key}").parse().unwrap()
}

pub(in crate::store) fn claim(
    key: &str,
    node: u64,
    incarnation: u64,
    supersedes: Option<u64>,
) -> ClusterCommand {
    ClusterCommand::Lease(LeaseCommand::Claim {
        actor: room(key),
        node: NodeId(node),
        incarnation: Incarnation(incarnation),
        supersedes: supersedes.map(Epoch),
        at: Timestamp(1),
    })
}

/// An invitation that is good from `now` for 100 ms.
pub(in crate::store) fn invite(id: u64, now: i64) -> NewInvite {
    NewInvite {
        id: InviteId(id),
        hash: secret(id),
        roles: Roles::default().with(Role::Edge).with(Role::Ingest),
        made_by: AccountId(1),
        expires_at: Timestamp(now + 100),
        now: Timestamp(now),
    }
}

/// The hash of that invitation's secret.
pub(in crate::store) fn secret(id: u64) -> Hex32 {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&id.to_be_bytes());
    Hex32(hash)
}

/// An account with the role `viewer`.
pub(in crate::store) fn new_account(id: u64, name: &str) -> NewAccount {
    NewAccount {
        id: AccountId(id),
        name: name.parse().unwrap(),
        roles: [AccountRole::Viewer].into_iter().collect(),
        password: Some(PasswordHash::new("$hash")),
        now: Timestamp(0),
    }
}

/// A token of an account that was never logged out; the greater its id, the younger.
pub(in crate::store) fn new_token(id: u64, account: u64, kind: TokenKind) -> NewToken {
    NewToken {
        id: TokenId(id),
        account: AccountId(account),
        hash: secret(1000 + id),
        kind,
        label: String::new(),
        scopes: vec!["all".into()],
        channel: None,
        expires_at: Timestamp(10_000),
        epoch: 0,
        now: Timestamp(id as i64),
    }
}

/// Any change of few accounts and tokens.
fn any_change_of_people(what: u8, id: u64, n: u64) -> Command {
    let account = AccountId(id);
    let change = |change| Command::ChangeAccount { account, change };
    match what {
        0 => Command::CreateAccount(new_account(id, &format!("name{n}"))),
        1 => change(AccountChange::LogOut),
        2 => change(AccountChange::Disable { at: Timestamp(n as i64) }),
        3 => change(AccountChange::Enable),
        4 => change(AccountChange::Password(PasswordHash::new(format!("${n}")))),
        5 => Command::RevokeToken { token: TokenId(n) },
        6 => change(AccountChange::Roles([AccountRole::Auditor].into_iter().collect())),
        _ => Command::CreateToken(new_token(n, id, TokenKind::Login)),
    }
}

/// Any of few nodes, actors, invitations and accounts, so that commands meet each other.
pub(in crate::store) fn any_command() -> impl Strategy<Value = Command> {
    (0_u8..24, 1_u64..4, 1_u64..4, prop::option::of(0_u64..40)).prop_map(|(what, id, n, epoch)| {
        let (node, key, at) = (NodeId(id), format!("r{n}"), Timestamp(10 * n as i64));
        let member = |change| Command::Cluster(ClusterCommand::Member(change));
        match what {
            0 | 1 => Command::Cluster(join(id)),
            2 | 3 => Command::Cluster(start(id, n)),
            4 => member(Change::Fence {
                id: node,
                incarnation: Incarnation(n),
                why: WhyFenced::Silence,
            }),
            5 => member(Change::Suspect { id: node, incarnation: Incarnation(n) }),
            6 => member(Change::SetDuty { id: node, duty: Duty::Draining }),
            7 => member(Change::SetVoter { id: node, voter: n == 1 }),
            8 => member(Change::Remove { id: node }),
            9 => {
                let epoch = Epoch(epoch.unwrap_or_default());
                let release = LeaseCommand::Release { actor: room(&key), epoch };
                Command::Cluster(ClusterCommand::Lease(release))
            }
            10 => Command::CreateInvite(invite(n, 0)),
            11 => Command::RevokeInvite { invite: InviteId(n), at },
            12 => {
                let roles = Roles::default().with(Role::Edge);
                let profile = Profile { roles, ..profile(&format!("n{id}")) };
                Command::UseInvite { hash: secret(n), node, key: Some(secret(id)), profile, at }
            }
            13 => Command::Cluster(claim(&key, id, n, epoch)),
            people => any_change_of_people(people - 14, id, n),
        }
    })
}
