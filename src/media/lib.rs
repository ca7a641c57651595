//! L1. Media as pure functions: tags in, frames out; frames in, parts and playlists out.
//!
//! The way of a frame through this crate, in file order:
//! [`flv`] takes RTMP message bodies apart, [`codec`] reads decoder configurations, [`timeline`] repairs
//! timestamps and puts them on the show's own line, [`packager`] cuts parts and segments,
//! [`fmp4`] writes their bytes, [`rendition`] keeps the window of one playlist, [`ladder`] keeps all of
//! them in step, [`playlist`] and [`multivariant`] write their text, [`replica`] is what another node
//! is told so that it writes the same, and [`reload`] decides when a player
//! that asks for more is answered. [`health`] watches the same frames and says in plain words what is wrong with them.

pub mod codec;
mod extreme;
pub mod flv;
pub mod fmp4;
pub mod frame;
pub mod health;
pub mod ladder;
pub mod multivariant;
pub mod output;
pub mod packager;
pub mod playlist;
pub mod reload;
pub mod rendition;
pub mod replica;
pub mod show;
#[cfg(test)]
mod testing;
pub mod timeline;
mod trun;

pub use frame::{AudioParams, Codec, CodecConfig, Frame, Item, TrackId, TrackKind, VideoParams};
pub use output::{Init, Output, Part, SegmentEnd, SegmentStart};
