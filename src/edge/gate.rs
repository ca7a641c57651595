//! The one place that says whether a request may watch.
//!
//! Every channel is public; whoever is signed in watches on so many players as an account may.

use std::net::IpAddr;

use weir_model::{AccountId, ChannelName, ViewingId};

use super::Context;
use crate::actors::viewings::{Verdict, Visit};

/// Why a request may not watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An operator ended the viewing.
    #[error("an operator ended this viewing")]
    Kicked,
    /// The viewer's address has its share of viewings.
    #[error("too many viewers watch from your address; try again in a while")]
    AddressFull,
    /// The channel has its share of the cluster's viewings.
    #[error("this channel has as many viewers as it may; try again in a while")]
    ChannelFull,
    /// The account watches on as many players as it may.
    #[error("this account watches on as many players as it may; stop one of them")]
    AccountFull,
    /// The node serves as many viewings as it may.
    #[error("this node serves as many viewers as it may; try again in a while")]
    Full,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Viewer<'a> {
    /// Its address.
    pub remote: IpAddr,
    /// The account that is signed in.
    pub account: Option<AccountId>,
    /// What its player calls itself.
    pub player: &'a str,
    /// The id it brought, unchecked.
    pub ticket: Option<&'a str>,
    /// It asks for the head of the answer only.
    pub head: bool,
}

/// Counts the request of a media playlist for its viewing. Who asks for a head watches nothing and is not
/// counted.
///
/// # Errors
/// Why the viewer may not watch.
pub fn admit(
    context: &Context,
    channel: &ChannelName,
    viewer: &Viewer<'_>,
) -> Result<ViewingId, Refusal> {
    let known = viewer.ticket.and_then(|value| context.tickets.check(channel, value));
    let id = known.unwrap_or_else(|| context.tickets.guess(channel, viewer.remote));
    if viewer.head {
        return if context.viewings.kicked(id) { Err(Refusal::Kicked) } else { Ok(id) };
    }
    let Viewer { remote, account, player, .. } = *viewer;
    let visit = Visit { channel, account, protocol: "hls", remote, player };
    match context.viewings.touch(id, visit) {
        Verdict::Go => Ok(id),
        Verdict::Kicked => Err(Refusal::Kicked),
        Verdict::Full => Err(Refusal::Full),
        Verdict::AddressFull => Err(Refusal::AddressFull),
        Verdict::ChannelFull => Err(Refusal::ChannelFull),
        Verdict::AccountFull => Err(Refusal::AccountFull),
    }
}
