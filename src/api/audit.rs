//! The audit log: whatever staff change is recorded before it is done, and again when it came to nothing.
//!
//! No route can be forgotten: the layer that lets a request pass is the one that records it ([`super::auth`]).

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Query as Parsed, Request, State};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use serde_json::Value;
use weir_ledger::request::{ACTION_CHARS_MAX, Act, DETAIL_CHARS_MAX, Outcome, TARGET_CHARS_MAX};
use weir_model::api::Mutation;
use weir_model::api::audit::AuditQuery;
use weir_model::audit::AuditEntry;
use weir_model::{AccountId, AccountRole, ApiError, ErrorCode};
use weir_people::Action;

use super::auth::Asker;
use super::error::Refusal;
use super::extract::Query;
use super::money::told;
use super::{BODY_BYTES_MAX, Context};
use crate::actors::audit::Recorder;
use crate::actors::books::{Question, RECORDS_MAX};

/// Entries of one answer unless asked for fewer or more.
const LIMIT: usize = 100;

/// What stands in place of a secret.
const HIDDEN: &str = "(hidden)";
/// Fields of bodies whose content is nobody's business.
const SECRETS: [&str; 4] = ["password", "secret", "token", "key"];

/// Whoever keeps the audit log.
pub trait Audit: Send + Sync {
    /// Records an act; answers with its number.
    fn record(
        &self,
        by: AccountId,
        reason: String,
        act: Act,
    ) -> BoxFuture<'_, Result<u64, ApiError>>;
}

impl Audit for Recorder {
    fn record(
        &self,
        by: AccountId,
        reason: String,
        act: Act,
    ) -> BoxFuture<'_, Result<u64, ApiError>> {
        Box::pin(self.record(by, reason, act))
    }
}

/// Entries of the audit log, oldest first. Those before them are before the first of them.
#[utoipa::path(
    get, path = "/v1/audit", tag = "audit",
    params(AuditQuery),
    responses((status = 200, body = Vec<AuditEntry>), (status = "default", body = ApiError)),
)]
pub(super) async fn list(
    State(ctx): State<Context>,
    Query(query): Query<AuditQuery>,
) -> Result<axum::Json<Vec<AuditEntry>>, Refusal> {
    let limit = query.limit.unwrap_or(LIMIT).min(RECORDS_MAX);
    let question = Question::Acts { before: query.before, limit };
    let mut entries: Vec<AuditEntry> = told(&ctx, question).await?;
    for entry in &mut entries {
        entry.name = ctx.store.account(&entry.by.to_string()).ok().map(|account| account.name);
    }
    Ok(axum::Json(entries))
}

/// Whether a request that passed as `action` is an act of staff.
pub(super) fn is_act(asker: &Asker, action: Action, request: &Request) -> bool {
    let roles = asker.principal.roles;
    let is_staff = roles.contains(AccountRole::Operator) || roles.contains(AccountRole::Moderator);
    is_staff && !action.only_reads() && !request.method().is_safe() && !how(request.uri()).dry_run
}

/// Records the act, does it, and records what it failed for.
pub(super) async fn recorded(
    (audit, asker): (Arc<dyn Audit>, Asker),
    action: Action,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        let text = format!("the body is broken, or longer than {BODY_BYTES_MAX} bytes");
        return Refusal::new(ErrorCode::Invalid, text).into_response();
    };
    let act = act(&asker, action, &parts, &body);
    let by = asker.principal.account;
    let reason = cut(&how(&parts.uri).reason.unwrap_or_default(), TARGET_CHARS_MAX / 2);
    let begun = match audit.record(by, reason.clone(), act.clone()).await {
        Ok(begun) => begun,
        Err(error) => return Refusal::from(error).into_response(),
    };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if !response.status().is_success() {
        let error = response.extensions().get::<ApiError>();
        let why =
            error.map_or_else(|| response.status().to_string(), |error| error.message.clone());
        let outcome = Outcome::Failed { begun, why: cut(&why, TARGET_CHARS_MAX) };
        if let Err(error) = audit.record(by, reason, Act { outcome, ..act }).await {
            tracing::error!(begun, %error, "an act came to nothing, and the audit log does not say so");
        }
    }
    response
}

fn how(uri: &Uri) -> Mutation {
    // The handler says what is wrong with a query.
    Parsed::<Mutation>::try_from_uri(uri).map(|Parsed(how)| how).unwrap_or_default()
}

fn act(asker: &Asker, action: Action, parts: &Parts, body: &Bytes) -> Act {
    let token = asker.me.token.as_ref();
    Act {
        action: cut(action.as_str(), ACTION_CHARS_MAX),
        target: cut(parts.uri.path(), TARGET_CHARS_MAX),
        detail: cut(&shown(body), DETAIL_CHARS_MAX),
        from: token.map_or_else(|| "operator".to_owned(), |token| token.id.to_string()),
        outcome: Outcome::Begun,
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// A body without its secrets.
fn shown(body: &Bytes) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Null) => String::new(),
        Ok(mut value) => {
            hide(&mut value);
            value.to_string()
        }
        Err(_) if body.is_empty() => String::new(),
        // What is no JSON is refused, and may be anything.
        Err(_) => format!("{} bytes", body.len()),
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match SECRETS.iter().any(|secret| name.to_ascii_lowercase().contains(secret)) {
                    true => *value = HIDDEN.into(),
                    false => hide(value),
                }
            }
        }
        Value::Array(all) => all.iter_mut().for_each(hide),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_shown_without_its_secrets_wherever_they_stand() {
        let body = r#"{"name":"alice","Password":"hunter2","all":[{"new_secret":1,"n":2}]}"#;
        let text = shown(&Bytes::from_static(body.as_bytes()));
        let expected =
            r#"{"Password":"(hidden)","all":[{"n":2,"new_secret":"(hidden)"}],"name":"alice"}"#;
        assert_eq!(text, expected);
        assert_eq!(shown(&Bytes::from_static(b"null")), "");
        assert_eq!(shown(&Bytes::from_static(b"password=hunter2")), "16 bytes");
    }
}
