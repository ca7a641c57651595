//! L1. Private sessions as pure functions: a streamer meets viewers who pay for the time.
//!
//! A [`Session`] is what the directory knows: the prices that were offered, who took which and up to what sum, which part
//! of the stream is theirs alone. It changes by [`Command`]s only, in the order of the log. Its [`Screen`] says who sees
//! what of the channel; every edge asks it. A [`Meeting`] is what runs it on one node: a bill for each party, fed with
//! the evidence of media and of playback; it says what the ledger and the directory shall be asked for.
//!
//! A channel that is sold beside that, to members or for a ticket, is seen by whoever holds a [`Pass`].
//!
//! Group sessions and onlookers are data: a session has one or more prices, and each price has places.
//!
//! Nothing here reads a clock: time is an argument, wall time as [`weir_model::Timestamp`], a monotonic clock's as
//! milliseconds.

pub mod command;
pub mod limits;
pub mod meeting;
pub mod pass;
pub mod screen;
pub mod session;

pub use command::{Command, Offer, Refusal};
pub use meeting::{Deed, Meeting, Standing};
pub use pass::{Door, Good, Pass, PassId, Renewal, Touched};
pub use screen::{Screen, Sight, Veil};
pub use session::{Ending, Party, PartyId, Price, Session, Settled, Stage};
