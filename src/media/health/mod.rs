//! Ingest health: rules that watch what a publisher sends and say in plain words what is wrong.
//!
//! [`Monitor`] measures (`meter`), `rules` judge. Work per frame and memory are constant; nothing here
//! changes the media. Codes of findings are stable:
//! `publisher_silent`, `uplink_stall`, `audio_missing`, `audio_silent`, `video_missing`, `keyframe_interval`,
//! `fps_drop`, `av_drift`, `timestamps_jump`, `bitrate_off`, `codec_reach`, `b_frames`.

mod meter;
mod rules;

use weir_model::stream::{Finding, TrackInfo};

use crate::flv::Tag;
use crate::{CodecConfig, TrackId, TrackKind};
use meter::{Meter, Recent};

/// Tracks that are watched: as many as the demuxer hands out.
const TRACKS_MAX: usize = 16;

/// Silence of the whole connection that counts as a stall, microseconds. Below it players' buffers cover it.
const STALL_US: i64 = 1_000_000;

/// Watches one publisher connection.
#[derive(Debug, Default)]
pub struct Monitor {
    tracks: Vec<Meter>,
    first_us: Option<i64>,
    last_us: Option<i64>,
    stalls: Recent,
    jumps: Recent,
    announced_bps: Option<u64>,
}

impl Monitor {
    /// Notes the bitrate of sound and picture together that the publisher announced (`videodatarate` and
    /// `audiodatarate` of onMetaData), bits per second. Zero is taken for not announced.
    pub fn announce(&mut self, bits_per_second: u64) {
        self.announced_bps = Some(bits_per_second).filter(|announced| *announced > 0);
    }

    /// Notes a tag that arrived at `now_us` (monotonic microseconds).
    pub fn observe(&mut self, tag: &Tag, now_us: i64) {
        match tag {
            Tag::Config { track, config } => self.configure(*track, config),
            Tag::Frame { track, .. } => {
                self.note_arrival(now_us);
                let Some(meter) = self.tracks.iter_mut().find(|meter| meter.id == *track) else {
                    return;
                };
                if meter.frame(tag, now_us) {
                    self.jumps.note(now_us, 0);
                }
            }
        }
    }

    /// The tracks as measured at `now_us`, video first.
    #[must_use]
    pub fn tracks(&self, now_us: i64) -> Vec<TrackInfo> {
        self.tracks.iter().map(|meter| track_info(meter, now_us)).collect()
    }

    /// What is wrong at `now_us`, worst first.
    #[must_use]
    pub fn findings(&self, now_us: i64) -> Vec<Finding> {
        rules::findings(self, now_us)
    }

    fn configure(&mut self, id: TrackId, config: &CodecConfig) {
        if let Some(meter) = self.tracks.iter_mut().find(|meter| meter.id == id) {
            meter.config = config.clone();
        } else if self.tracks.len() < TRACKS_MAX {
            self.tracks.push(Meter::new(id, config.clone()));
            self.tracks.sort_by_key(|meter| meter.id);
        }
    }

    fn note_arrival(&mut self, now_us: i64) {
        self.first_us.get_or_insert(now_us);
        if let Some(last_us) = self.last_us.replace(now_us)
            && now_us - last_us >= STALL_US
        {
            self.stalls.note(now_us, now_us - last_us);
        }
    }

    fn main(&self, kind: TrackKind) -> Option<&Meter> {
        self.tracks.iter().find(|meter| meter.id.kind == kind)
    }
}

fn track_info(meter: &Meter, now_us: i64) -> TrackInfo {
    let (video, audio) = (meter.config.video, meter.config.audio);
    TrackInfo {
        id: meter.id.to_string(),
        kind: match meter.id.kind {
            TrackKind::Video => "video".to_owned(),
            TrackKind::Audio => "audio".to_owned(),
        },
        codec: meter.config.rfc6381.clone(),
        width: video.map(|video| video.width),
        height: video.map(|video| video.height),
        fps: video.map(|_| meter.fps(now_us)),
        sample_rate: audio.map(|audio| audio.sample_rate),
        channels: audio.map(|audio| audio.channels),
        bitrate: meter.bitrate(now_us),
    }
}

#[cfg(test)]
mod tests;
