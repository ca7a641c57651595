//! Each kind of problem, by its records.

use super::super::record::{
    AccountRecord, ChannelRecord, InviteRecord, KeyRecord, MsnRecord, NodeRecord, TokenRecord,
};
use super::super::sled::Raw;
use super::*;
use weir_cluster::directory::Part;
use weir_cluster::lease::Vacancy;
use weir_cluster::members::{Member, Profile, WhyFenced};
use weir_model::cluster::{Duty, NodeState};
use weir_model::{
    AccountId, AccountRole, Epoch, Incarnation, InviteId, KeyId, Lease, NodeId, Roles, Timestamp,
    TokenId, TokenKind,
};

fn raw(entry: &Entry) -> Raw {
    (entry.name().into_bytes(), entry.encode().unwrap())
}

fn node() -> Raw {
    raw(&Entry::Node(NodeRecord {
        id: NodeId(1),
        name: "node-0".into(),
        made_at: Timestamp(0),
        hash_secret: Hex32([1; 32]),
        operator_token: Hex32([2; 32]),
    }))
}

fn account(id: u64, name: &str) -> Raw {
    let roles = [AccountRole::Operator].into_iter().collect();
    let name = name.parse().unwrap();
    raw(&Entry::Account(AccountRecord::new(AccountId(id), name, roles, None, Timestamp(0))))
}

fn channel(name: &str, owner: u64) -> Raw {
    raw(&Entry::Channel(ChannelRecord {
        name: name.parse().unwrap(),
        title: name.into(),
        owner: AccountId(owner),
        created_at: Timestamp(0),
        access: weir_model::Access::Public,
    }))
}

fn key(id: u64, channel: &str, hash: u8) -> Raw {
    raw(&Entry::Key(KeyRecord {
        id: KeyId(id),
        channel: channel.parse().unwrap(),
        label: String::new(),
        created_at: Timestamp(0),
        expires_at: None,
        revoked_at: None,
        hash: Hex32([hash; 32]),
    }))
}

fn token(id: u64, account: u64) -> Raw {
    raw(&Entry::Token(TokenRecord {
        id: TokenId(id),
        account: AccountId(account),
        kind: TokenKind::Api,
        label: String::new(),
        scopes: vec!["all".into()],
        channel: None,
        created_at: Timestamp(0),
        expires_at: Timestamp(1),
        epoch: 0,
        hash: Hex32([9; 32]),
    }))
}

fn found(records: &[Raw]) -> Report {
    load(&Records { all: records.to_vec(), complete: true }).1
}

fn problems(records: &[Raw]) -> Vec<String> {
    found(records).problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sound_store_has_no_problem() {
    let records = [account(1, "operator"), channel("demo", 1), key(1, "demo", 1), node()];
    assert_eq!(problems(&records), [""; 0]);
    assert_eq!(problems(&[]), [""; 0]);
}

#[test]
fn every_record_that_cannot_be_read_is_named_and_stops_the_node() {
    let base = [account(1, "operator"), node()];
    let (name, bytes) = channel("demo", 1);
    for (bad, text) in [
        ((name.clone(), vec![9, b'{']), "it has version 9"),
        ((name.clone(), bytes[..bytes.len() - 1].to_vec()), "it cannot be decoded"),
        ((name, Vec::new()), "it cannot be decoded: it is empty"),
        ((b"channel/other".to_vec(), bytes.clone()), "it says that it is `channel/demo`"),
        ((b"what/is-this".to_vec(), bytes.clone()), "its name is not one this version knows"),
        ((vec![0xff, 0x1b], bytes), "its name is not one this version knows"),
    ] {
        let records = [base.as_slice(), &[bad]].concat();
        let report = found(&records);
        assert_eq!(report.problems.len(), 1, "{report}");
        assert!(report.problems[0].fatal);
        assert!(report.problems[0].text.starts_with(text), "{report}");
        assert_eq!(report.exit_code(), 1);
    }
}

#[test]
fn records_that_do_not_fit_each_other_are_named() {
    let msn = raw(&Entry::Msn("gone".parse().unwrap(), MsnRecord { next: 5 }));
    let records = [
        account(1, "operator"),
        account(2, "operator"),
        channel("demo", 3),
        key(1, "gone", 1),
        key(2, "demo", 2),
        key(3, "demo", 2),
        msn,
        token(1, 9),
        node(),
    ];
    assert_eq!(
        problems(&records),
        [
            "warning: key/key_0000000000000003: has the same secret as \
             key/key_0000000000000002; rotate both",
            "warning: key/key_0000000000000001: its channel `gone` does not exist",
            "warning: msn/gone: its channel does not exist",
            "warning: channel/demo: its owner acc_0000000000000003 does not exist",
            "warning: account/acc_0000000000000002: has the same name `operator` as \
             account/acc_0000000000000001",
            "warning: token/tok_0000000000000001: its account acc_0000000000000009 does not exist",
        ]
    );
}

#[test]
fn members_and_leases_that_do_not_fit_each_other_are_named() {
    let member = |id, name: &str, incarnation| Member {
        id: NodeId(id),
        profile: Profile { name: name.into(), ..Profile::default() },
        incarnation: Incarnation(incarnation),
        state: NodeState::Up,
        duty: Duty::Serving,
        voter: true,
        fenced: WhyFenced::Silence,
    };
    let lease = |key: &str, node, epoch| Lease {
        actor: format!("room/{key}").parse().unwrap(),
        node: NodeId(node),
        incarnation: Incarnation(1),
        epoch: Epoch(epoch),
        since: Timestamp(0),
    };
    let lost = Vacancy { node: NodeId(1), epoch: Epoch(4), since: Timestamp(0) };
    let parts = [
        Part::Member(member(1, "a", 1)),
        Part::Member(member(2, "a", 2)),
        Part::Removed([NodeId(1)].into()),
        Part::Lease(lease("a", 1, 6)),
        Part::Lease(lease("b", 2, 5)),
        Part::Lease(lease("c", 3, 3)),
        Part::Vacancy("room/a".parse().unwrap(), lost),
        Part::Newest(Epoch(5)),
    ];
    let parts = parts.map(|part| raw(&Entry::Part(part)));
    let records = [&[account(1, "operator"), node()], parts.as_slice()].concat();
    assert_eq!(
        problems(&records),
        [
            "warning: member/node_0000000000000001: is also among the removed",
            "warning: member/node_0000000000000002: has the same name `a` as \
             member/node_0000000000000001",
            "warning: lease/room/a: is also listed as vacant",
            "warning: lease/room/b: its owner node_0000000000000002 was given up or started again",
            "warning: lease/room/c: its owner node_0000000000000003 is no member",
            "warning: epoch: is 5, but epoch 6 was given",
            "warning: changed: is missing, though there are members or leases",
        ]
    );
}

#[test]
fn two_invitations_with_one_secret_are_named() {
    let invite = |id| {
        raw(&Entry::Invite(InviteRecord {
            id: InviteId(id),
            hash: Hex32([9; 32]),
            roles: Roles::all(),
            made_by: AccountId(1),
            created_at: Timestamp(0),
            expires_at: Timestamp(1),
            used_by: None,
            used_key: None,
            used_at: None,
            revoked_at: None,
        }))
    };
    let records = [account(1, "operator"), node(), invite(1), invite(2)];
    assert_eq!(
        problems(&records),
        ["warning: invite/inv_0000000000000002: has the same secret as \
          invite/inv_0000000000000001; revoke both"]
    );
}

#[test]
fn records_that_are_missing_are_noticed_though_nobody_knows_which() {
    let all = vec![account(1, "operator"), node()];
    let (_, report) = load(&Records { all, complete: false });
    assert_eq!((report.exit_code(), report.problems[0].at.as_str()), (1, "census"));
}

#[test]
fn a_store_without_its_node_record_is_damaged() {
    let report = found(&[account(1, "operator")]);
    assert!(report.problems.iter().any(|problem| problem.at == "node" && problem.fatal));
}

#[test]
fn a_directory_without_a_store_is_not_made_into_one() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(check(dir.path()), Err(StoreError::NotFound { .. })));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
