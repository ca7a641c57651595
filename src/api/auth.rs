//! Who asks, and whether he may: the only place where a request becomes a [`Principal`].
//!
//! [`require`] takes the token that a request shows and looks up whose it is. Each route names the [`Action`] that it is,
//! and [`needs`] refuses whoever may not, before the handler sees anything. What a handler answers of a list is what
//! [`Asker::sees`].

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::Operation;
use utoipa_axum::router::UtoipaMethodRouter;
use weir_model::api::people::Me;
use weir_model::{AccountRoles, ChannelName, ErrorCode};
use weir_people::{Action, Denied, Principal, Scopes, Target};

use super::error::Refusal;
use super::{Audit, Context, audit};
use crate::actors::clock;
use crate::store::{Bearer, Store};

/// Where the description of a route says which action it is.
pub(super) const ACTION_EXTENSION: &str = "x-action";

/// Whoever asks.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) principal: Principal,
    pub(super) me: Me,
    store: Store,
    audit: Arc<dyn Audit>,
}

/// What a route's action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    /// Everything, or what belongs to nobody.
    Any,
    /// The channel in the path.
    Channel,
    /// Only the handler knows: it asks again. Whoever may do it to nothing at all is refused before.
    Some,
}

/// Lets requests pass that show a token which is good.
pub(super) async fn require(
    State(ctx): State<Context>,
    mut request: Request,
    next: Next,
) -> Response {
    match asker(&ctx, request.headers()) {
        Ok(asker) => {
            request.extensions_mut().insert(asker);
            next.run(request).await
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// A route that is `action`, done to `on`.
pub(super) fn needs(
    action: Action,
    on: On,
    (schemas, mut paths, router): UtoipaMethodRouter<Context>,
) -> UtoipaMethodRouter<Context> {
    for item in paths.paths.values_mut() {
        let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete];
        all.into_iter().flatten().for_each(|operation| describe(operation, action));
    }
    let guard = move |asker: Asker, params: RawPathParams, request: Request, next: Next| async move {
        match asker.check_route(action, on, &params) {
            Ok(()) if audit::is_act(&asker, action, &request) => {
                let audit = Arc::clone(&asker.audit);
                audit::recorded((audit, asker), action, request, next).await
            }
            Ok(()) => next.run(request).await,
            Err(denied) => Refusal::from(denied).into_response(),
        }
    };
    (schemas, paths, router.layer(middleware::from_fn(guard)))
}

fn describe(operation: &mut Operation, action: Action) {
    let named = ExtensionsBuilder::new().add(ACTION_EXTENSION, action.as_str()).build();
    operation.extensions.get_or_insert_default().merge(named);
}

impl Context {
    fn asker(&self, principal: Principal, me: Me) -> Asker {
        Asker { principal, me, store: self.store.clone(), audit: Arc::clone(&self.audit) }
    }
}

impl Asker {
    /// Whether this one may do `action` to a channel or what belongs to it.
    pub(super) fn check_channel(&self, action: Action, name: &ChannelName) -> Result<(), Denied> {
        let owner = self.store.channel(name).ok().map(|channel| channel.owner);
        self.principal.can(action, &Target::Channel { name, owner })
    }

    /// Whether a list for this one has what belongs to a channel.
    pub(super) fn sees(&self, action: Action, channel: &ChannelName) -> bool {
        self.check_channel(action, channel).is_ok()
    }

    fn check_route(&self, action: Action, on: On, params: &RawPathParams) -> Result<(), Denied> {
        let named = || params.iter().find(|(name, _)| matches!(*name, "name" | "channel"));
        match on {
            On::Some => self.principal.can_some(action),
            On::Any => self.principal.can(action, &Target::Any),
            On::Channel => match named().and_then(|(_, value)| value.parse().ok()) {
                Some(channel) => self.check_channel(action, &channel),
                // Whoever may do it anywhere is told by the handler what is wrong with the name.
                None => self.principal.can(action, &Target::Any),
            },
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Asker {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let missing = || Refusal::new(ErrorCode::Internal, "the route asks nobody who he is");
        parts.extensions.get::<Self>().cloned().ok_or_else(missing)
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::new(ErrorCode::Forbidden, denied.to_string())
            .hint("`weir auth can-i` says who may do what; roles are given by an operator")
    }
}

fn asker(ctx: &Context, headers: &HeaderMap) -> Result<Asker, Refusal> {
    let Some(token) = bearer(headers) else {
        return Err(unauthorized(ctx, "this needs `authorization: Bearer TOKEN`"));
    };
    if ctx.store.check_operator_token(token) {
        return operator(ctx);
    }
    let bearer = ctx.store.bearer(token, clock::now());
    let Bearer { account, token } =
        bearer.map_err(|error| unauthorized(ctx, &error.to_string()))?;
    // A word of a newer version may allow less than it seems; such a token is for newer nodes.
    let scopes =
        Scopes::parse(&token.scopes).map_err(|error| unauthorized(ctx, &error.to_string()))?;
    let channel = token.channel.clone();
    let (id, name, roles) = (account.id, account.name.clone(), account.roles);
    let principal = Principal { account: id, name, roles, scopes, channel };
    Ok(ctx.asker(principal, Me { account, token: Some(token) }))
}

/// Whoever holds the operator's token is the founding account, with every right.
fn operator(ctx: &Context) -> Result<Asker, Refusal> {
    let account = ctx.store.account(&ctx.store.operator().to_string())?;
    let roles: AccountRoles = [weir_model::AccountRole::Operator].into_iter().collect();
    let principal = Principal::whole(account.id, account.name.clone(), roles);
    Ok(ctx.asker(principal, Me { account, token: None }))
}

fn unauthorized(ctx: &Context, message: &str) -> Refusal {
    let file = ctx.store.operator_token_file();
    Refusal::new(ErrorCode::Unauthorized, message).hint(format!(
        "a token is made with `weir token create`; the operator's is in the file {} of the node's data directory, in a \
         cluster of that of its first node, or of the voter that last made a new one; name the file or a copy with \
         WEIR_TOKEN_FILE or give its content in WEIR_TOKEN",
        file.file_name().unwrap_or_default().display()
    ))
}

/// The token of RFC 6750 section 2.1; the scheme's case does not matter.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
