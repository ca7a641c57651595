//! Who a request is of: by the cookie of the page, or by the token that a player without cookies brings.

use std::net::IpAddr;

use http::HeaderMap;
use weir_model::{AccountId, ChannelName, ViewingId};

use crate::actors::clock;
use crate::edge::route::Ask;
use crate::edge::ticket::Token;
use crate::edge::{Context, auth};
use crate::store::Standing;

/// A request, as far as it tells who asks.
#[derive(Debug, Clone, Copy)]
pub struct Viewer<'a> {
    /// Its address.
    pub remote: IpAddr,
    /// What it brings beside its path.
    pub headers: &'a HeaderMap,
    /// What its player calls itself.
    pub player: &'a str,
    /// The token it brought, unchecked.
    pub ticket: Option<&'a str>,
    /// It asks for the head of the answer only.
    pub head: bool,
}

impl<'a> From<&Ask<'a>> for Viewer<'a> {
    fn from(ask: &Ask<'a>) -> Self {
        let &Ask { remote, headers, head, .. } = ask;
        Self { remote, headers, player: ask.player(), ticket: ask.parameter("v"), head }
    }
}

/// Who that is, as far as it is known now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its viewing.
    pub id: ViewingId,
    /// The viewing was given to whoever asks, and not to everybody at the address, or to another account.
    pub own: bool,
    /// The account that is signed in.
    pub holder: Option<Standing>,
}

impl Known {
    /// The account that is signed in.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.holder.map(|holder| holder.account)
    }
}

/// Finds out. Whoever signed in on the page is that one, whatever his player brings from before.
#[must_use]
pub fn known(context: &Context, channel: &ChannelName, viewer: &Viewer<'_>) -> Known {
    let token = viewer.ticket.and_then(|value| context.tickets.read(channel, value));
    let signed_in = auth::standing_of(context, viewer.headers);
    let holder = signed_in.or_else(|| vouched(context, channel, token?));
    let id = token.map_or_else(|| context.tickets.guess(channel, viewer.remote), |token| token.id);
    let account = |holder: Option<Standing>| holder.map(|holder| holder.account);
    let own = token.is_some_and(|token| account(token.holder) == account(holder));
    Known { id, own, holder }
}

/// Whom a token vouches for. Past its end it does so for as long as its viewing goes on: a player asks for the address
/// of a playlist again and again as it was first given to it.
fn vouched(context: &Context, channel: &ChannelName, token: Token) -> Option<Standing> {
    let now = clock::now();
    let holder = token.holder?;
    let goes_on = || context.viewings.goes_on(token.id, channel, holder.account);
    let is_good = token.expires_at > now || goes_on();
    (is_good && context.lookup.stands(&holder, now)).then_some(holder)
}
