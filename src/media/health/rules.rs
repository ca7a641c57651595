//! The rules: each looks at what was measured and answers at most one finding.

use weir_model::stream::{Finding, HealthLevel};

use super::meter::Meter;
use super::{Monitor, STALL_US};
use crate::{Codec, TrackKind};

/// Nothing is said about the first seconds of a connection: rates and clocks settle, microseconds.
const SETTLE_US: i64 = 10_000_000;

/// Sound that is not there after this long is missing, microseconds.
const MISSING_US: i64 = 5_000_000;

/// A picture may stand still for longer than sound, as slide shows do, microseconds.
const VIDEO_MISSING_US: i64 = 10_000_000;

/// Longest segment of the playlists, milliseconds: a longer key frame interval makes segments that no player can start at.
const KEY_INTERVAL_WARN_MS: i64 = 4_100;

/// OBS's automatic interval is 8.3 s at 30 frames per second; beyond this viewers wait very long.
const KEY_INTERVAL_BAD_MS: i64 = 10_000;

/// Frame rate below this share of the usual one is a drop.
const FPS_SHARE: f64 = 0.75;

/// Clock drift between sound and picture that people notice, and that is a fault, microseconds (BT.1359).
const DRIFT_WARN_US: i64 = 200_000;
const DRIFT_BAD_US: i64 = 1_000_000;

/// Mean frame sizes that only digital silence has, bytes.
const SILENT_AAC_BYTES: u64 = 24;
const SILENT_OPUS_BYTES: u64 = 4;

/// Silence of the whole connection that is told while it lasts, microseconds: no encoder pauses so long, and
/// viewers soon run out of what they have buffered.
const SILENT_US: i64 = 2_000_000;

type Rule = fn(&Monitor, i64) -> Option<Finding>;

const RULES: [Rule; 12] = [
    publisher_silent,
    uplink_stall,
    audio_missing,
    audio_silent,
    video_missing,
    keyframe_interval,
    fps_drop,
    av_drift,
    timestamps_jump,
    bitrate_off,
    codec_reach,
    b_frames,
];

/// All findings, worst first.
pub(super) fn findings(monitor: &Monitor, now_us: i64) -> Vec<Finding> {
    let mut found: Vec<Finding> = RULES.iter().filter_map(|rule| rule(monitor, now_us)).collect();
    found.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    found
}

fn finding(code: &str, level: HealthLevel, text: String, advice: &str) -> Option<Finding> {
    Some(Finding { code: code.to_owned(), level, text, advice: advice.to_owned() })
}

/// The level, when `value` is beyond `warn`.
fn level(value: i64, warn: i64, bad: i64) -> Option<HealthLevel> {
    if value <= warn {
        return None;
    }
    Some(if value > bad { HealthLevel::Bad } else { HealthLevel::Warning })
}

/// `1.2 s`.
fn seconds(us: i64) -> String {
    let tenths = us / 100_000;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

fn settled(monitor: &Monitor, now_us: i64) -> bool {
    monitor.first_us.is_some_and(|first_us| now_us - first_us >= SETTLE_US)
}

fn publisher_silent(monitor: &Monitor, now_us: i64) -> Option<Finding> {
    let silent_us = now_us - monitor.last_us?;
    if silent_us < SILENT_US {
        return None;
    }
    let text =
        format!("The publisher is connected but has sent nothing for {}.", seconds(silent_us));
    let advice =
        "Check the encoder and its uplink; if it does not recover, restart the stream there.";
    finding("publisher_silent", HealthLevel::Bad, text, advice)
}

fn uplink_stall(monitor: &Monitor, now_us: i64) -> Option<Finding> {
    let (mut count, mut longest_us) = monitor.stalls.of_last_minute(now_us);
    let open_us = now_us - monitor.last_us?;
    // A longer one is told by itself while it lasts.
    if (STALL_US..SILENT_US).contains(&open_us) {
        (count, longest_us) = (count + 1, longest_us.max(open_us));
    }
    if count == 0 {
        return None;
    }
    let bad = count >= 3 || longest_us >= 3_000_000;
    let level = if bad { HealthLevel::Bad } else { HealthLevel::Warning };
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let text = format!(
        "The uplink stalled {times} in the last minute, for up to {}.",
        seconds(longest_us)
    );
    let advice = "Use a cable instead of Wi-Fi, lower the bitrate, or stop other uploads.";
    finding("uplink_stall", level, text, advice)
}

fn audio_missing(monitor: &Monitor, now_us: i64) -> Option<Finding> {
    if now_us - monitor.first_us? < MISSING_US {
        return None;
    }
    let Some(audio) = monitor.main(TrackKind::Audio) else {
        let text = "The publisher sends no sound.".to_owned();
        let advice = "If sound is wanted, add an audio source and an AAC or Opus encoder.";
        return finding("audio_missing", HealthLevel::Warning, text, advice);
    };
    let silent_us = lag_us(monitor, audio)?;
    if silent_us < MISSING_US {
        return None;
    }
    let text = format!("Sound stopped {} before the picture.", seconds(silent_us));
    finding("audio_missing", HealthLevel::Bad, text, "Check the audio source of the encoder.")
}

/// How long ago a track's last frame came, seen from the last frame of all.
fn lag_us(monitor: &Monitor, meter: &Meter) -> Option<i64> {
    Some(monitor.last_us? - meter.last_us.or(monitor.first_us)?)
}

fn audio_silent(monitor: &Monitor, now_us: i64) -> Option<Finding> {
    let audio = monitor.main(TrackKind::Audio).filter(|_| settled(monitor, now_us))?;
    let limit = match audio.config.codec {
        Codec::Aac => SILENT_AAC_BYTES,
        Codec::Opus => SILENT_OPUS_BYTES,
        _ => return None,
    };
    if audio.frame_bytes(now_us)? > limit {
        return None;
    }
    let text = "The sound seems to be silent: its frames are empty.".to_owned();
    let advice = "Check that the microphone or desktop audio is not muted.";
    finding("audio_silent", HealthLevel::Warning, text, advice)
}

fn video_missing(monitor: &Monitor, _: i64) -> Option<Finding> {
    let stopped_us = lag_us(monitor, monitor.main(TrackKind::Video)?)?;
    if stopped_us < VIDEO_MISSING_US {
        return None;
    }
    let text = format!("The picture stopped {} before the sound.", seconds(stopped_us));
    finding("video_missing", HealthLevel::Bad, text, "Check the video source of the encoder.")
}

fn keyframe_interval(monitor: &Monitor, _: i64) -> Option<Finding> {
    let interval_ms = monitor.main(TrackKind::Video)?.key_interval_ms();
    let level = level(interval_ms, KEY_INTERVAL_WARN_MS, KEY_INTERVAL_BAD_MS)?;
    let text = format!(
        "Key frames come {} apart; viewers wait that long for their first picture.",
        seconds(interval_ms * 1000)
    );
    let advice =
        "Set the encoder's keyframe interval to 2 s (OBS: Settings, Output, Keyframe Interval).";
    finding("keyframe_interval", level, text, advice)
}

fn fps_drop(monitor: &Monitor, now_us: i64) -> Option<Finding> {
    let video = monitor.main(TrackKind::Video).filter(|_| settled(monitor, now_us))?;
    let fps = video.fps(now_us);
    // A stall is a finding of its own.
    if fps == 0.0 || fps >= video.usual_fps * FPS_SHARE {
        return None;
    }
    let text = format!("The frame rate fell from {:.0} to {fps:.0} per second.", video.usual_fps);
    let advice =
        "The encoder is overloaded: choose a faster preset, a lower resolution or frame rate.";
    finding("fps_drop", HealthLevel::Warning, text, advice)
}

fn av_drift(monitor: &Monitor, now_us: i64) -> Option<Finding> {
    if !settled(monitor, now_us) {
        return None;
    }
    let (video, audio) = (monitor.main(TrackKind::Video)?, monitor.main(TrackKind::Audio)?);
    if lag_us(monitor, video)? > STALL_US || lag_us(monitor, audio)? > STALL_US {
        return None;
    }
    let drift_us = video.lateness_us() - audio.lateness_us();
    let level = level(drift_us.abs(), DRIFT_WARN_US, DRIFT_BAD_US)?;
    let order = if drift_us > 0 { "ahead of" } else { "behind" };
    let text = format!(
        "The clock of the sound ran {} {order} that of the picture since the start.",
        seconds(drift_us.abs())
    );
    let advice =
        "Set one sample rate for all audio devices and the encoder, then restart the encoder.";
    finding("av_drift", level, text, advice)
}

fn timestamps_jump(monitor: &Monitor, now_us: i64) -> Option<Finding> {
    let (count, _) = monitor.jumps.of_last_minute(now_us);
    if count == 0 {
        return None;
    }
    let level = if count >= 3 { HealthLevel::Bad } else { HealthLevel::Warning };
    let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
    let text = format!("The publisher's timestamps jumped {times} in the last minute.");
    let advice = "Look for a looping or restarted source behind the encoder; update the encoder.";
    finding("timestamps_jump", level, text, advice)
}

fn bitrate_off(monitor: &Monitor, now_us: i64) -> Option<Finding> {
    let announced = monitor.announced_bps.filter(|_| settled(monitor, now_us))?;
    let measured: u64 = monitor.tracks.iter().map(|meter| meter.bitrate(now_us)).sum();
    let word = if measured > announced.saturating_mul(3) / 2 {
        "above"
    } else if measured < announced / 3 {
        "below"
    } else {
        return None;
    };
    let text = format!(
        "The bitrate is {} kbit/s, far {word} the {} kbit/s that the encoder announced.",
        measured / 1000,
        announced / 1000
    );
    let advice = "Check the encoder's rate control (CBR is safest) and whether the uplink carries the bitrate.";
    finding("bitrate_off", HealthLevel::Warning, text, advice)
}

fn codec_reach(monitor: &Monitor, _: i64) -> Option<Finding> {
    let avc_wide = |meter: &Meter| {
        ["avc1.6e", "avc1.7a", "avc1.f4"].iter().any(|wide| meter.config.rfc6381.starts_with(wide))
    };
    let (what, advice) = monitor.tracks.iter().find_map(|meter| match meter.config.codec {
        Codec::Hevc => Some((
            "HEVC video plays in Safari, but in other browsers only with hardware support.",
            "Publish H.264 if every viewer must be reached.",
        )),
        Codec::Avc if avc_wide(meter) => Some((
            "H.264 with 10 bits or full chroma does not play in browsers.",
            "Choose 8 bits and 4:2:0 (NV12) in the encoder.",
        )),
        Codec::Mp3 => Some((
            "MP3 sound does not play in every browser.",
            "Publish AAC if every viewer must be reached.",
        )),
        _ => None,
    })?;
    finding("codec_reach", HealthLevel::Warning, what.to_owned(), advice)
}

fn b_frames(monitor: &Monitor, _: i64) -> Option<Finding> {
    if !monitor.main(TrackKind::Video)?.reorders {
        return None;
    }
    let text = "The video has B-frames; that is fine for HLS, WebRTC viewers cannot play them.";
    let advice = "Set B-frames to 0 in the encoder if WebRTC viewers are expected.";
    finding("b_frames", HealthLevel::Ok, text.to_owned(), advice)
}
