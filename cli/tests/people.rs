//! What the node of these tests says of accounts, tokens and rights, and what is asked of people.

use weir_model::api::people::{CreatedToken, Me, Permission};
use weir_model::{Account, AccountId, AccountRole, Timestamp, Token, TokenId, TokenKind};

use super::*;

/// Whether a path is about people.
pub(crate) fn knows(path: &str) -> bool {
    ["/v1/accounts", "/v1/tokens", "/v1/auth"].iter().any(|noun| path.contains(noun))
        && !path.ends_with("/nobody_here")
}

/// The body for `METHOD /path`.
pub(crate) fn answer(path: &str) -> String {
    match path {
        "GET /v1/accounts" => json(&[account()]),
        "GET /v1/tokens" => json(&[token()]),
        "POST /v1/tokens" => {
            json(&CreatedToken { token: "wt_0123456789abcdefghjkmnpqrs".into(), info: token() })
        }
        "DELETE /v1/tokens/tok_0000000000000001" => json(&token()),
        "POST /v1/auth/can-i" => json(&Permission {
            allowed: true,
            action: "key.create".into(),
            account: "alice".parse().unwrap(),
            text: "account alice may make and rotate stream keys".into(),
        }),
        "GET /v1/auth/me" => json(&Me { account: account(), token: Some(token()) }),
        "POST /v1/accounts/alice/disable" => json(&Account { disabled_at: Some(NOW), ..account() }),
        _ => json(&account()),
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

fn ago(seconds: i64) -> Timestamp {
    NOW.plus_ms(-1000 * seconds)
}

fn account() -> Account {
    Account {
        id: AccountId(1),
        name: "alice".parse().unwrap(),
        roles: [AccountRole::Viewer, AccountRole::Streamer].into_iter().collect(),
        password: true,
        created_at: ago(90),
        disabled_at: None,
    }
}

fn token() -> Token {
    Token {
        id: TokenId(1),
        account: AccountId(1),
        account_name: "alice".parse().unwrap(),
        kind: TokenKind::Api,
        label: "phone".into(),
        scopes: vec!["moderate".into()],
        channel: Some("demo".parse().unwrap()),
        created_at: ago(60),
        expires_at: NOW.plus_ms(8 * 3_600_000),
    }
}

#[tokio::test]
async fn a_password_is_never_an_argument_and_nobody_is_asked_where_nobody_is() {
    for line in ["account password alice hunter2hunter2", "account create alice --password=hunter2"]
    {
        let ran = piped(line).await;
        assert_eq!((ran.exit, ran.asked.len()), (Exit::Usage, 0), "{line}: {}", ran.err);
    }
    for line in ["account password alice", "account create alice --password"] {
        let ran = piped(line).await;
        assert_eq!((ran.exit, ran.asked.len()), (Exit::Usage, 0), "{line}: {}", ran.err);
        assert!(ran.err.contains("--password-stdin"), "{}", ran.err);
    }
}

#[tokio::test]
async fn a_password_stands_in_no_output() {
    for line in ["account create alice --password-stdin", "account password alice --password-stdin"]
    {
        let ran = piped(&format!("{line} -o json")).await;
        assert_eq!(ran.exit, Exit::Ok, "{}", ran.err);
        assert!(!ran.out.contains("horse") && !ran.err.contains("horse"), "{}", ran.out);
    }
}
