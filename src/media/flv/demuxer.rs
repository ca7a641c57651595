//! Messages in, tags out: remembers each track's configuration.

use bytes::Bytes;

use super::header::{self, Content, Packet};
use super::{FlvError, Tag, sample};
use crate::codec::{aac, av1, avc, hevc, mp3, opus};
use crate::{Codec, CodecConfig, TrackId, TrackKind};

/// Tracks of one kind that are carried; OBS sends up to six. Higher numbers are ignored.
pub const TRACKS_PER_KIND_MAX: usize = 8;

/// Takes the messages of one connection apart; remembers which tracks were configured.
#[derive(Debug, Default)]
pub struct Demuxer {
    video: [TrackState; TRACKS_PER_KIND_MAX],
    audio: [TrackState; TRACKS_PER_KIND_MAX],
    packets: Vec<Packet>,
    unconfigured: u64,
    ignored: u64,
}

/// What is remembered of a track.
#[derive(Debug, Default)]
enum TrackState {
    #[default]
    Unknown,
    /// A configuration without the picture size; the next key frame tells it.
    Incomplete(CodecConfig),
    /// The configuration that was handed on, and what the publisher sent for it.
    Ready { config: CodecConfig, sent: Bytes },
}

impl Demuxer {
    /// Appends what an audio message (type 8) holds to `out`.
    ///
    /// # Errors
    /// When it is malformed or of a codec that is not carried. What stood before the fault is in `out`;
    /// after `Malformed` the next message can be taken.
    pub fn audio(
        &mut self,
        timestamp_ms: u32,
        body: Bytes,
        out: &mut Vec<Tag>,
    ) -> Result<(), FlvError> {
        self.message(TrackKind::Audio, timestamp_ms, body, out)
    }

    /// Appends what a video message (type 9) holds to `out`.
    ///
    /// # Errors
    /// As [`Self::audio`].
    pub fn video(
        &mut self,
        timestamp_ms: u32,
        body: Bytes,
        out: &mut Vec<Tag>,
    ) -> Result<(), FlvError> {
        self.message(TrackKind::Video, timestamp_ms, body, out)
    }

    /// Frames that came before the configuration of their track and were left out.
    #[must_use]
    pub const fn unconfigured_frames(&self) -> u64 {
        self.unconfigured
    }

    /// Packets of tracks numbered [`TRACKS_PER_KIND_MAX`] or higher that were left out.
    #[must_use]
    pub const fn ignored_packets(&self) -> u64 {
        self.ignored
    }

    fn message(
        &mut self,
        kind: TrackKind,
        timestamp_ms: u32,
        body: Bytes,
        out: &mut Vec<Tag>,
    ) -> Result<(), FlvError> {
        let mut packets = std::mem::take(&mut self.packets);
        packets.clear();
        let parsed = match kind {
            TrackKind::Video => header::video(body, &mut packets),
            TrackKind::Audio => header::audio(body, &mut packets),
        };
        let taken =
            packets.drain(..).try_for_each(|packet| self.packet(kind, timestamp_ms, packet, out));
        self.packets = packets;
        parsed.and(taken)
    }

    fn packet(
        &mut self,
        kind: TrackKind,
        timestamp_ms: u32,
        packet: Packet,
        out: &mut Vec<Tag>,
    ) -> Result<(), FlvError> {
        let tracks = match kind {
            TrackKind::Video => &mut self.video,
            TrackKind::Audio => &mut self.audio,
        };
        let Some(state) = tracks.get_mut(usize::from(packet.track)) else {
            self.ignored += 1;
            return Ok(());
        };
        let track = TrackId { kind, index: packet.track };
        match packet.content {
            Content::Other => Ok(()),
            // Encoders that know their configuration only later begin with an empty one.
            Content::Config if packet.data.is_empty() => Ok(()),
            Content::Config => configure(state, track, packet.codec, &packet.data, out),
            Content::Frame { cts_ms, key } => {
                learn_from_frame(state, track, packet.codec, key, &packet.data, out);
                let TrackState::Ready { config, .. } = state else {
                    self.unconfigured += 1;
                    return Ok(());
                };
                if config.codec != packet.codec {
                    self.unconfigured += 1;
                    return Ok(());
                }
                let stamp = Stamp { track, timestamp_ms, cts_ms };
                frames(config, stamp, key, packet.data, out)
            }
        }
    }
}

/// Track and times of a frame.
#[derive(Clone, Copy)]
struct Stamp {
    track: TrackId,
    timestamp_ms: u32,
    cts_ms: i32,
}

impl Stamp {
    const fn tag(self, key: bool, payload: Bytes) -> Tag {
        let Self { track, timestamp_ms, cts_ms } = self;
        Tag::Frame { track, timestamp_ms, cts_ms, key, payload }
    }
}

/// Takes a configuration record; hands it on when it differs from the last one.
fn configure(
    state: &mut TrackState,
    track: TrackId,
    codec: Codec,
    record: &Bytes,
    out: &mut Vec<Tag>,
) -> Result<(), FlvError> {
    if let TrackState::Ready { config, sent } = state
        && config.codec == codec
        && sent == record
    {
        return Ok(());
    }
    let config = match codec {
        Codec::Avc => avc::config(record)?,
        Codec::Hevc => hevc::config(record)?,
        Codec::Av1 => av1::config(record)?,
        Codec::Aac => aac::config(record)?,
        Codec::Opus => opus::config(record)?,
        // Its frames describe themselves.
        Codec::Mp3 => return Ok(()),
    };
    if config.video.is_some_and(|video| video.width == 0) {
        *state = TrackState::Incomplete(config);
        return Ok(());
    }
    announce(state, track, config, Bytes::copy_from_slice(record), out);
    Ok(())
}

/// Some configurations stand in the frames: MP3's, and the sequence header of a bare `av1C`.
fn learn_from_frame(
    state: &mut TrackState,
    track: TrackId,
    codec: Codec,
    key: bool,
    payload: &[u8],
    out: &mut Vec<Tag>,
) {
    match (codec, &*state) {
        (Codec::Mp3, state_now) => {
            let Some(config) = mp3::header(payload).map(mp3::config) else { return };
            if !matches!(state_now, TrackState::Ready { config: known, .. } if *known == config) {
                announce(state, track, config, Bytes::new(), out);
            }
        }
        (Codec::Av1, TrackState::Incomplete(config)) if key => {
            let sent = config.record.clone();
            let Some(record) = av1::complete(&sent, payload) else { return };
            if let Ok(config) = av1::config(&record) {
                announce(state, track, config, sent, out);
            }
        }
        _ => {}
    }
}

fn announce(
    state: &mut TrackState,
    track: TrackId,
    config: CodecConfig,
    sent: Bytes,
    out: &mut Vec<Tag>,
) {
    out.push(Tag::Config { track, config: config.clone() });
    *state = TrackState::Ready { config, sent };
}

/// Appends the frames of one packet: one, except that MP3 may come several at once.
fn frames(
    config: &CodecConfig,
    stamp: Stamp,
    key: bool,
    payload: Bytes,
    out: &mut Vec<Tag>,
) -> Result<(), FlvError> {
    if payload.is_empty() {
        return Err(FlvError::Malformed { what: "frame: it is empty" });
    }
    let record = &config.record;
    let sample = match config.codec {
        Codec::Avc => sample::avc(payload, avc::length_size(record), key)?,
        Codec::Hevc => sample::hevc(payload, record, hevc::length_size(record), key)?,
        Codec::Av1 => sample::av1(payload, key)?,
        Codec::Mp3 => return mp3_frames(stamp, payload, out),
        Codec::Opus if opus::packet_samples(&payload).is_none() => {
            return Err(FlvError::Malformed { what: "Opus packet" });
        }
        Codec::Aac | Codec::Opus => sample::Sample { payload, key },
    };
    out.push(stamp.tag(sample.key, sample.payload));
    Ok(())
}

fn mp3_frames(stamp: Stamp, mut payload: Bytes, out: &mut Vec<Tag>) -> Result<(), FlvError> {
    let malformed = FlvError::Malformed { what: "MP3 frame" };
    let mut found = false;
    while let Some(header) = mp3::header(&payload) {
        let size = if header.bytes == 0 { payload.len() } else { header.bytes };
        if size > payload.len() {
            break;
        }
        out.push(stamp.tag(true, payload.split_to(size)));
        found = true;
    }
    if found { Ok(()) } else { Err(malformed) }
}
