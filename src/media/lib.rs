//! L1. Media as pure functions: tags in, frames out; frames in, parts and playlists out.
//!
//! The way of a frame through this crate, in file order:
//! [`flv`] takes RTMP message bodies apart, [`codec`] reads decoder configurations, [`timeline`] repairs
//! timestamps and puts them on the show's own line, [`packager`] cuts parts and segments,
//! [`fmp4`] writes their bytes, [`rendition`] keeps the window of one playlist and [`playlist`] writes
//! its text. [`health`] watches the same frames and says in plain words what is wrong with them.

pub mod codec;
pub mod flv;
pub mod fmp4;
pub mod frame;
pub mod health;
pub mod output;
pub mod packager;
pub mod show;
pub mod timeline;

pub use frame::{AudioParams, Codec, CodecConfig, Frame, Item, TrackId, TrackKind, VideoParams};
pub use output::{Init, Output, Part, SegmentEnd, SegmentStart};
