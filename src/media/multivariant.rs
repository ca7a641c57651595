//! The multivariant playlist (RFC 8216bis §4.4.6): what a player may choose from.
//!
//! `CODECS` names every codec string that a listed segment needs, newest first: after a publisher came back
//! with another profile the window holds both for a while, a strict player checks each section against it, and
//! a player that takes only the first one gets the one that goes on. A change of codec proper (H.264 to HEVC)
//! lists both too: a device without HEVC would fail at the next segment anyway, and is told so beforehand.

use std::fmt::Write;

use crate::TrackKind;
use crate::ladder::Ladder;
use crate::rendition::Rendition;
use crate::{TrackId, VideoParams};

/// Announced over measured: the peak of what is still to come is not known, and a player that was told too
/// little stalls.
const MARGIN_PERCENT: u64 = 150;

/// The same while little was measured: a show begins with a title card more often than with its busiest scene, and
/// one segment of a quiet clip is easily a quarter of the next.
const EARLY_MARGIN_PERCENT: u64 = 400;

/// Bits per pixel and frame, in hundredths, that encoders are rarely set above. While little was measured no less
/// is announced: a show that fades in from black needs next to nothing at first.
const EARLY_CENTIBITS_PER_PIXEL: u64 = 12;

/// Media after which a measurement is no longer early, microseconds.
const EARLY_US: i64 = 30_000_000;

/// Announced rates are whole steps, so that the text does not change with every segment.
const RATE_STEP: u64 = 10_000;

/// Frame rates that cameras and encoders run at; a measured rate within 0.5 % of one is that one.
const USUAL_RATES: [f64; 12] =
    [15.0, 20.0, 23.976, 24.0, 25.0, 29.97, 30.0, 48.0, 50.0, 59.94, 60.0, 120.0];

/// Text around the places where a viewer's own query belongs, behind each playlist URI.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Multivariant {
    done: Vec<String>,
    text: String,
}

impl Multivariant {
    /// The playlist with `query` behind every URI; empty for none, otherwise it begins with `?`.
    #[must_use]
    pub fn with_query(&self, query: &str) -> String {
        let mut out = String::with_capacity(1024);
        for piece in &self.done {
            out.push_str(piece);
            out.push_str(query);
        }
        out.push_str(&self.text);
        out
    }

    fn uri(&mut self, track: TrackId) {
        let _ = write!(self.text, "{track}/index.m3u8");
        self.done.push(std::mem::take(&mut self.text));
    }
}

/// Writes the playlist. A bandwidth never falls below what was measured since the show began.
#[must_use]
pub fn render(ladder: &Ladder) -> Multivariant {
    let of = |kind| move |(track, _): &(TrackId, &Rendition)| track.kind == kind;
    let with_media: Vec<(TrackId, &Rendition)> =
        ladder.renditions().filter(|(_, one)| one.has_media()).collect();
    let videos = with_media.iter().copied().filter(of(TrackKind::Video));
    let audios: Vec<_> = with_media.iter().copied().filter(of(TrackKind::Audio)).collect();
    let mut out = Multivariant::default();
    out.text.push_str("#EXTM3U\n#EXT-X-VERSION:6\n");
    let mut variants: Vec<_> = videos.map(|video| (video, audios.as_slice())).collect();
    let has_video = !variants.is_empty();
    if has_video {
        group(&mut out, &audios);
    } else {
        variants.extend(audios.iter().map(|audio| (*audio, [].as_slice())));
    }
    for ((track, rendition), audios) in variants {
        stream_inf(&mut out, rendition, audios);
        out.uri(track);
        out.text.push('\n');
    }
    out
}

/// One group of demuxed audio; the first track is the default one.
fn group(out: &mut Multivariant, audios: &[(TrackId, &Rendition)]) {
    for (at, (track, rendition)) in audios.iter().enumerate() {
        let default = if at == 0 { "YES" } else { "NO" };
        let name = format!("Audio {}", at + 1);
        let _ = write!(
            out.text,
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"{name}\",DEFAULT={default},AUTOSELECT=YES"
        );
        if let Some(audio) = rendition.inits().first().and_then(|init| init.config.audio) {
            let _ = write!(out.text, ",CHANNELS=\"{}\"", audio.channels);
        }
        out.text.push_str(",URI=\"");
        out.uri(*track);
        out.text.push_str("\"\n");
    }
}

fn stream_inf(out: &mut Multivariant, rendition: &Rendition, audios: &[(TrackId, &Rendition)]) {
    let most = |rate: fn(&Rendition) -> u64| {
        rate(rendition) + audios.iter().map(|(_, audio)| rate(audio)).max().unwrap_or(0)
    };
    let average = most(|one| one.rate().average());
    let peak = most(|one| one.rate().peak).max(average);
    let early = rendition.rate().duration_us < EARLY_US;
    let margin = if early { EARLY_MARGIN_PERCENT } else { MARGIN_PERCENT };
    let floor = if early { usual_rate_of(rendition) } else { 0 };
    let announced = (peak.saturating_mul(margin) / 100).max(floor).div_ceil(RATE_STEP) * RATE_STEP;
    let mut codecs: Vec<&str> = Vec::new();
    for (_, one) in std::iter::once(&(TrackId::VIDEO, rendition)).chain(audios) {
        for init in one.inits() {
            if !codecs.contains(&init.config.rfc6381.as_str()) {
                codecs.push(&init.config.rfc6381);
            }
        }
    }
    let text = &mut out.text;
    let _ = write!(
        text,
        "#EXT-X-STREAM-INF:BANDWIDTH={announced},AVERAGE-BANDWIDTH={},CODECS=\"{}\"",
        average.max(1),
        codecs.join(",")
    );
    if let Some(video) = rendition.inits().first().and_then(|init| init.config.video) {
        let (width, height) = display_size(&video);
        let _ = write!(text, ",RESOLUTION={width}x{height}");
        if let Some(rate) = rendition.rate().samples_per_second() {
            let _ = write!(text, ",FRAME-RATE={:.3}", usual_rate(rate));
        }
    }
    if !audios.is_empty() {
        text.push_str(",AUDIO=\"audio\"");
    }
    text.push('\n');
}

/// Bits per second that a picture of this size and rate is rarely encoded above; 0 where there is none.
fn usual_rate_of(rendition: &Rendition) -> u64 {
    let video = rendition.inits().first().and_then(|init| init.config.video);
    let Some((video, rate)) = video.zip(rendition.rate().samples_per_second()) else { return 0 };
    let pixels = u64::from(video.width) * u64::from(video.height);
    // Of a frame rate beyond any display only as much as a display shows.
    let frames = rate.clamp(0.0, 120.0) as u64;
    pixels.saturating_mul(frames).saturating_mul(EARLY_CENTIBITS_PER_PIXEL) / 100
}

/// Pixels as they are shown: the sample aspect ratio stretches the width.
fn display_size(video: &VideoParams) -> (u64, u32) {
    let (horizontal, vertical) = (u64::from(video.sar.0), u64::from(video.sar.1));
    if horizontal == 0 || vertical == 0 {
        return (u64::from(video.width), video.height);
    }
    ((u64::from(video.width) * horizontal + vertical / 2) / vertical, video.height)
}

/// RTMP counts in milliseconds, so a measured rate is never quite the camera's.
fn usual_rate(measured: f64) -> f64 {
    let off = |usual: &f64| (measured / usual - 1.0).abs();
    let nearest = USUAL_RATES.into_iter().min_by(|a, b| off(a).total_cmp(&off(b)));
    nearest.filter(|usual| off(usual) <= 0.005).unwrap_or(measured)
}

#[cfg(test)]
mod tests;
