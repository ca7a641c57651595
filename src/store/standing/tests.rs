//! Log-outs and disabled accounts, as whoever holds something signed meets them.

use weir_model::{AccountRole, TokenKind};
use weir_people::Scopes;

use super::*;
use crate::store::NewToken;

const NOW: Timestamp = Timestamp(10);

async fn signed_in(store: &Store) -> (AccountId, TokenId) {
    let roles = [AccountRole::Viewer].into_iter().collect();
    let account = store.create_account("alice".parse().unwrap(), roles, None, NOW).await.unwrap();
    let new = NewToken {
        account: account.id,
        kind: TokenKind::Login,
        label: String::new(),
        scopes: Scopes::all(),
        channel: None,
        expires_at: Timestamp(1_000),
        epoch: None,
    };
    (account.id, store.create_token(new, NOW).await.unwrap().0.id)
}

#[tokio::test]
async fn who_logs_out_is_known_no_more_and_who_was_vouched_for_is_until_he_does_so_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), NOW).unwrap();
    let (alice, token) = signed_in(&store).await;
    let by_token = store.standing(alice, Some(token)).unwrap();
    let by_word = store.standing(alice, None).unwrap();
    assert!(store.stands(&by_token, NOW) && store.stands(&by_word, NOW));
    assert!(!store.stands(&by_token, Timestamp(1_000)), "the token has expired");
    store.revoke_token(token).await.unwrap();
    assert!(!store.stands(&by_token, NOW) && store.stands(&by_word, NOW));
    store.log_out(alice).await.unwrap();
    assert!(!store.stands(&by_word, NOW));
    assert!(store.stands(&store.standing(alice, None).unwrap(), NOW));
}

#[tokio::test]
async fn a_disabled_account_is_nobody_and_stays_so_for_what_was_signed_before() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), NOW).unwrap();
    let (alice, _) = signed_in(&store).await;
    let before = store.standing(alice, None).unwrap();
    store.disable_account(alice, NOW).await.unwrap();
    assert!(!store.stands(&before, NOW));
    assert_eq!(store.standing(alice, None), None);
    store.enable_account(alice).await.unwrap();
    assert!(!store.stands(&before, NOW));
    assert_eq!(store.standing(AccountId(1), None), None);
}
