//! What somebody may be given of a stream now. Pure: who asks and what the nodes know are arguments.

use weir_media::replica::Shade;
use weir_model::AccountId;
use weir_session::{Screen, Sight};

/// What may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// What everybody gets: media from this segment on.
    Public(u64),
    /// What only the parties of the session get that has the stream: media from this segment on.
    Party(u64),
}

impl View {
    /// The first segment.
    #[must_use]
    pub const fn from(self) -> u64 {
        match self {
            Self::Public(from) | Self::Party(from) => from,
        }
    }
}

/// Why nothing may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    /// A session has the stream, and this one is not of it.
    Private,
    /// A session is said to have the stream of which this node has not heard: nobody knows yet who is of it.
    Unheard,
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

#[cfg(test)]
mod tests;
