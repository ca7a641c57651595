//! What somebody may be given of a stream now. Pure: who asks and what the nodes know are arguments.

use weir_media::replica::Shade;
use weir_model::AccountId;
use weir_session::{Door, Screen, Sight};

/// What may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What everybody gets: media from this segment on.
    Public(u64),
    /// The same of a channel that is sold, for who may watch that: media from this segment on.
    Sold(u64),
    /// What only the parties of the session get that has the stream: media from this segment on.
    Party(u64),
}

impl View {
    /// The first segment.
    #[must_use]
    pub const fn from(self) -> u64 {
        match self {
            Self::Public(from) | Self::Sold(from) | Self::Party(from) => from,
        }
    }

    /// Whether it is for this viewer and no other.
    #[must_use]
    pub const fn is_own(self) -> bool {
        !matches!(self, Self::Public(_))
    }
}

/// Why nothing may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    /// A session has the stream, and this one is not of it.
    Private,
    /// A session is said to have the stream of which this node has not heard: nobody knows yet who is of it.
    Unheard,
    /// The channel is its members', and this one is none.
    Members,
    /// A ticket opens the channel, and this one has none.
    Ticket,
}

/// What may be given: by the `screen` of this node's directory, and by the `shade` that came with the media. The two come
/// on ways of their own, and each may be late; what either hides is hidden. `heard` says whether this node's directory
/// knew the session of the shade before the screen was looked at, `account` who asks, if that makes a difference.
///
/// # Errors
/// When nothing may be given.
pub(super) fn decide(
    screen: Option<&Screen>,
    shade: Shade,
    heard: bool,
    account: impl FnOnce() -> Option<AccountId>,
) -> Result<View, Blocked> {
    if shade.session.is_some() && !heard {
        return Err(Blocked::Unheard);
    }
    let before = if shade.session.is_none() { shade.from } else { 0 };
    let Some(screen) = screen else { return Ok(View::Public(before)) };
    let sight = match screen.sight(None) {
        Sight::Private(_) => screen.sight(account()),
        sight => sight,
    };
    match sight {
        Sight::Public(from) => Ok(View::Public(from.max(before))),
        Sight::Party(_, from) => Ok(View::Party(from)),
        Sight::Private(_) => Err(Blocked::Private),
    }
}

/// What of that may be given through a channel's `door`; `admits` says whether whoever asks may pass one that is shut. Who
/// takes part in a session has paid for that.
///
/// # Errors
/// When nothing may be given.
pub(super) fn through(
    view: View,
    door: Door,
    admits: impl FnOnce() -> bool,
) -> Result<View, Blocked> {
    let View::Public(from) = view else { return Ok(view) };
    match door {
        Door::Unheard => Err(Blocked::Unheard),
        Door::Open => Ok(view),
        Door::Members => admits().then_some(View::Sold(from)).ok_or(Blocked::Members),
        Door::Ticket => admits().then_some(View::Sold(from)).ok_or(Blocked::Ticket),
    }
}

#[cfg(test)]
mod tests;
