//! A stream in plain sentences: what happens, why, and what to do. Pure.

use weir_model::human::{bitrate, duration};
use weir_model::stream::{PublisherInfo, TrackInfo};
use weir_model::{StreamInfo, StreamState, Timestamp};

/// Sentences about `stream` at `now`, most important first.
pub(super) fn explain(stream: &StreamInfo, now: Timestamp) -> Vec<String> {
    let mut sentences = vec![state(stream, now)];
    sentences.extend(not_playable(stream));
    sentences.extend(stream.findings.iter().map(|one| {
        let advice = if one.advice.is_empty() { String::new() } else { format!(" {}", one.advice) };
        format!("{}{advice}", one.text)
    }));
    if stream.state != StreamState::Live {
        return sentences;
    }
    sentences.extend(stream.tracks.iter().map(track));
    sentences.extend(missing(stream));
    sentences.extend(history(stream));
    sentences.push(match stream.viewers {
        0 => "Nobody watches.".into(),
        1 => "One viewer watches.".into(),
        viewers => format!("{viewers} viewers watch."),
    });
    sentences
}

fn state(stream: &StreamInfo, now: Timestamp) -> String {
    let channel = &stream.channel;
    match (stream.state, &stream.publisher, stream.grace_until) {
        (StreamState::Offline, ..) => format!(
            "Channel {channel} is offline: nothing publishes into it. Give an encoder a key made by \
             `weir key create {channel}`."
        ),
        (StreamState::Ended, ..) => format!(
            "The last show of channel {channel} is over; the next publisher begins a new one."
        ),
        (StreamState::Live, Some(publisher), _) => live(stream, publisher, now),
        (StreamState::Live, None, Some(end)) => format!(
            "The publisher of channel {channel} is gone. The show goes on when it comes back within \
             {}, else it ends.",
            duration(end.since_ms(now))
        ),
        (StreamState::Live, None, None) => {
            format!("Channel {channel} is live, but its publisher is gone.")
        }
    }
}

fn live(stream: &StreamInfo, publisher: &PublisherInfo, now: Timestamp) -> String {
    let encoder = match publisher.encoder.as_str() {
        "" => String::new(),
        name => format!(" ({name})"),
    };
    format!(
        "Channel {} is live: {} publishes by {}{encoder} since {}, with {}.",
        stream.channel,
        publisher.remote,
        publisher.protocol,
        duration(now.since_ms(publisher.since)),
        bitrate(stream.bitrate)
    )
}

fn not_playable(stream: &StreamInfo) -> Option<String> {
    let waits = stream.state == StreamState::Live && !stream.playable;
    waits.then(|| {
        "Players cannot start yet: no segment is complete. The first one ends at the first key frame \
         after two seconds."
            .into()
    })
}

fn track(track: &TrackInfo) -> String {
    let size = match (track.width, track.height) {
        (Some(width), Some(height)) => format!(", {width}×{height}"),
        _ => String::new(),
    };
    let fps = track.fps.map(|fps| format!(", {fps:.1} frames/s")).unwrap_or_default();
    let rate = track.sample_rate.map(|rate| format!(", {rate} Hz")).unwrap_or_default();
    let channels = match track.channels {
        Some(1) => ", mono".into(),
        Some(2) => ", stereo".into(),
        Some(more) => format!(", {more} channels"),
        None => String::new(),
    };
    let bits = bitrate(track.bitrate);
    format!(
        "Track {}: {} {}{size}{fps}{rate}{channels}, {bits}.",
        track.id, track.kind, track.codec
    )
}

fn missing(stream: &StreamInfo) -> Option<String> {
    let has = |kind: &str| stream.tracks.iter().any(|track| track.kind == kind);
    match (has("video"), has("audio")) {
        (true, false) => Some("There is no sound: the encoder sends no audio.".into()),
        (false, true) => Some("There is no picture: the encoder sends no video.".into()),
        _ => None,
    }
}

fn history(stream: &StreamInfo) -> impl Iterator<Item = String> {
    let reconnects = match stream.reconnects {
        0 => None,
        1 => Some("The publisher came back once in this show.".into()),
        times => Some(format!(
            "The publisher came back {times} times in this show: its connection is not steady."
        )),
    };
    let skipped = (stream.skipped_frames > 0).then(|| {
        format!(
            "{} frames were skipped because this node could not keep up; look at its load.",
            stream.skipped_frames
        )
    });
    reconnects.into_iter().chain(skipped)
}

#[cfg(test)]
mod tests {
    use super::super::tests::stream;
    use super::*;
    use weir_model::stream::{Finding, HealthLevel};

    #[test]
    fn an_offline_stream_says_how_to_go_live() {
        let mut stream = stream("demo");
        stream.state = StreamState::Offline;
        stream.publisher = None;
        assert_eq!(
            explain(&stream, Timestamp(0)),
            ["Channel demo is offline: nothing publishes into it. Give an encoder a key made by \
              `weir key create demo`."]
        );
    }

    #[test]
    fn a_live_stream_says_who_publishes_what_and_what_is_wrong_first() {
        let mut stream = stream("demo");
        stream.reconnects = 3;
        stream.findings.push(Finding {
            code: "keyframe_interval".into(),
            level: HealthLevel::Warning,
            text: "Key frames come every 10 s.".into(),
            advice: "Set the key frame interval to 2 s.".into(),
        });
        assert_eq!(
            explain(&stream, Timestamp(65_000)),
            [
                "Channel demo is live: 192.0.2.7:5000 publishes by rtmp (OBS) since 1 min 5 s, with \
                 2.50 Mbit/s.",
                "Key frames come every 10 s. Set the key frame interval to 2 s.",
                "Track v0: video avc1.64001f, 1280×720, 30.0 frames/s, 2.40 Mbit/s.",
                "There is no sound: the encoder sends no audio.",
                "The publisher came back 3 times in this show: its connection is not steady.",
                "2 viewers watch.",
            ]
        );
    }

    #[test]
    fn a_publisher_that_is_gone_has_a_deadline() {
        let mut stream = stream("demo");
        stream.publisher = None;
        stream.playable = false;
        stream.grace_until = Some(Timestamp(30_000));
        let sentences = explain(&stream, Timestamp(12_000));
        assert!(sentences[0].contains("comes back within 18 s, else it ends"), "{sentences:?}");
        assert!(sentences[1].starts_with("Players cannot start yet"), "{sentences:?}");
    }
}
