//! What each change of accounts and tokens decides.

use super::super::testing::{new_account, new_token};
use super::*;

fn make<T>(catalog: &mut Catalog, planned: Planned<T>) -> Result<T, StoreError> {
    let (changes, answer) = planned?;
    changes.iter().for_each(|change| catalog.apply(change));
    Ok(answer)
}

fn with_alice() -> Catalog {
    let mut catalog = Catalog::default();
    let planned = catalog.plan_account(new_account(1, "alice"));
    make(&mut catalog, planned).unwrap();
    catalog
}

fn token(catalog: &mut Catalog, new: NewToken) -> Result<Token, StoreError> {
    let planned = catalog.plan_token(new);
    make(catalog, planned)
}

#[test]
fn a_name_is_had_once() {
    let catalog = with_alice();
    let twin = catalog.plan_account(new_account(2, "Alice"));
    assert!(matches!(twin, Err(StoreError::Exists { .. })));
    assert!(catalog.people.by_name(&"alice".parse().unwrap()).is_some());
}

#[test]
fn whatever_raises_the_epoch_ends_every_token() {
    for change in [
        AccountChange::LogOut,
        AccountChange::Disable { at: Timestamp(9) },
        AccountChange::Password(PasswordHash::new("$x")),
    ] {
        let mut catalog = with_alice();
        for id in 1..4 {
            token(&mut catalog, new_token(id, 1, TokenKind::Login)).unwrap();
        }
        let planned = catalog.plan_account_change(AccountId(1), change);
        make(&mut catalog, planned).unwrap();
        assert!(catalog.people.tokens.is_empty() && catalog.people.by_hash.is_empty());
        assert_eq!(catalog.people.accounts[&AccountId(1)].epoch, 1);
        // One whose password was checked before is not let in after.
        let late = token(&mut catalog, new_token(9, 1, TokenKind::Login));
        assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    }
}

#[test]
fn one_more_log_in_forgets_the_oldest_and_tokens_made_on_purpose_are_refused() {
    let mut catalog = with_alice();
    for id in 1..=API_TOKENS_MAX as u64 {
        token(&mut catalog, new_token(id, 1, TokenKind::Api)).unwrap();
    }
    let refused = token(&mut catalog, new_token(90, 1, TokenKind::Api));
    assert!(matches!(refused, Err(StoreError::Limit { .. })), "{refused:?}");
    for id in 100..120 {
        token(&mut catalog, new_token(id, 1, TokenKind::Login)).unwrap();
    }
    let left: Vec<u64> = catalog.people.tokens_of(AccountId(1)).iter().map(|t| t.id.0).collect();
    assert_eq!(left.len(), TOKENS_PER_ACCOUNT_MAX);
    assert_eq!(left[API_TOKENS_MAX..], [112, 113, 114, 115, 116, 117, 118, 119]);
}

#[test]
fn expired_tokens_make_room_first() {
    let mut catalog = with_alice();
    for id in 1..=API_TOKENS_MAX as u64 {
        let short = NewToken { expires_at: Timestamp(500), ..new_token(id, 1, TokenKind::Api) };
        token(&mut catalog, short).unwrap();
    }
    let now = Timestamp(600);
    let later = NewToken { now, ..new_token(99, 1, TokenKind::Api) };
    token(&mut catalog, later).unwrap();
    assert_eq!(catalog.people.tokens_of(AccountId(1)).len(), 1);
    let dead = NewToken { expires_at: now, now, ..new_token(98, 1, TokenKind::Api) };
    assert!(matches!(token(&mut catalog, dead), Err(StoreError::Invalid(_))));
}

#[test]
fn the_founding_operator_can_be_neither_disabled_nor_degraded_and_stays_the_operator() {
    let mut catalog = Catalog::default();
    for (id, name) in [(1, "zoe"), (7, OPERATOR)] {
        let roles = [AccountRole::Operator].into_iter().collect();
        let planned = catalog.plan_account(NewAccount { roles, ..new_account(id, name) });
        make(&mut catalog, planned).unwrap();
    }
    assert_eq!(catalog.people.operator(), Some(AccountId(7)));
    let refused = catalog.plan_disabling(AccountId(7), Timestamp(1));
    assert!(matches!(refused, Err(StoreError::Conflict(_))));
    let viewer = [AccountRole::Viewer].into_iter().collect();
    assert!(matches!(catalog.plan_roles(AccountId(7), viewer), Err(StoreError::Conflict(_))));
    assert!(catalog.plan_roles(AccountId(1), viewer).is_ok());
}

#[test]
fn a_disabled_account_gets_no_token_until_it_is_enabled() {
    let mut catalog = with_alice();
    let planned = catalog.plan_disabling(AccountId(1), Timestamp(5));
    let disabled = make(&mut catalog, planned).unwrap();
    assert_eq!(disabled.disabled_at, Some(Timestamp(5)));
    let new = NewToken { epoch: 1, ..new_token(1, 1, TokenKind::Login) };
    assert!(matches!(token(&mut catalog, new.clone()), Err(StoreError::Conflict(_))));
    let planned = catalog.plan_enabling(AccountId(1));
    assert_eq!(make(&mut catalog, planned).unwrap().disabled_at, None);
    token(&mut catalog, new).unwrap();
    let planned = catalog.plan_token_revocation(TokenId(1));
    make(&mut catalog, planned).unwrap();
    assert!(catalog.plan_token_revocation(TokenId(1)).is_err());
}

#[test]
fn pages_follow_each_other_by_name() {
    let mut catalog = Catalog::default();
    for (id, name) in [(1, "carol"), (2, "alice"), (3, "bob_")] {
        let planned = catalog.plan_account(new_account(id, name));
        make(&mut catalog, planned).unwrap();
    }
    let names = |after: Option<&str>, limit| -> Vec<String> {
        let after = after.map(|name| name.parse().unwrap());
        let page = catalog.people.page(after.as_ref(), limit);
        page.map(|account| account.name.to_string()).collect()
    };
    assert_eq!(names(None, 2), ["alice", "bob_"]);
    assert_eq!(names(Some("bob_"), 2), ["carol"]);
    assert_eq!(names(Some("bob"), 1), ["bob_"]);
}
