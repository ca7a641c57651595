//! Synthetic streams that are packaged at the speed of life, and when each of their parts was ready.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use weir::store::window::Window;
use weir_media::packager::{Packager, PackagerConfig};
use weir_media::rendition::Timing;
use weir_media::{AudioParams, Codec, CodecConfig, Frame, Item, Output, TrackId, VideoParams};
use weir_model::Timestamp;

const TIMING: Timing = Timing { target_secs: 4, part_target_us: 200_000, list_us: 15_000_000 };
const CONFIG: PackagerConfig =
    PackagerConfig { segment_us: 2_000_000, segment_max_us: 4_000_000, part_us: 200_000 };
/// Pictures of 25 per second, a key frame each 2 s, and sound: 2.5 Mbit/s together.
const KEY_BYTES: usize = 60_000;
const PICTURE_BYTES: usize = 10_870;
const SOUND_BYTES: usize = 340;
const FRAME: Duration = Duration::from_millis(40);

/// When parts of one stream were ready at the origin.
pub(crate) type Made = Arc<Mutex<HashMap<(TrackId, u64), Instant>>>;

/// One stream at its origin.
pub(crate) struct Studio {
    pub(crate) window: Arc<Window>,
    pub(crate) made: Made,
    packager: Packager,
    anchor: Timestamp,
    at_us: i64,
    frames: [i64; 2],
}

impl Studio {
    pub(crate) fn new(now: Timestamp) -> Self {
        let mut packager = Packager::new(CONFIG, 7, 700);
        let mut out = Vec::new();
        packager.push(Item::Config(TrackId::VIDEO, avc()), &mut out);
        packager.push(Item::Config(TrackId::AUDIO, aac()), &mut out);
        let window = Arc::new(Window::new(TIMING));
        Self { window, made: Made::default(), packager, anchor: now, at_us: 0, frames: [0; 2] }
    }

    /// Makes the next `length` of media.
    pub(crate) fn produce(&mut self, length: Duration) {
        self.at_us += i64::try_from(length.as_micros()).unwrap();
        let mut out = Vec::new();
        loop {
            let [picture, sound] = self.frames;
            let (picture_us, sound_us) = (picture * 40_000, sound * 1_024_000 / 48);
            if picture_us.min(sound_us) >= self.at_us {
                break;
            }
            let frame = if picture_us <= sound_us { self.picture() } else { self.sound() };
            self.packager.push(Item::Frame(frame), &mut out);
        }
        if let Some(target_us) = self.packager.part_target_us() {
            self.window.set_part_target_us(target_us);
        }
        let ready = Instant::now();
        let mut made = self.made.lock();
        for output in &out {
            if let Output::Part(track, part) = output {
                made.insert((*track, part.number), ready);
            }
        }
        drop(made);
        self.window.apply(&mut out, self.anchor);
    }

    fn picture(&mut self) -> Frame {
        let number = self.frames[0];
        self.frames[0] += 1;
        let (dts, key) = (number * 3600, number % 50 == 0);
        let payload = Bytes::from(vec![number as u8; if key { KEY_BYTES } else { PICTURE_BYTES }]);
        Frame { track: TrackId::VIDEO, pts: dts, dts, key, payload }
    }

    fn sound(&mut self) -> Frame {
        let dts = self.frames[1] * 1024;
        self.frames[1] += 1;
        let payload = Bytes::from(vec![dts as u8; SOUND_BYTES]);
        Frame { track: TrackId::AUDIO, pts: dts, dts, key: true, payload }
    }
}

/// Keeps all streams going, a frame at a time, until it is aborted. They are not in step with each other.
pub(crate) async fn play(mut studios: Vec<Studio>) {
    let pause = FRAME / u32::try_from(studios.len()).unwrap();
    let mut turns = tokio::time::interval(pause);
    loop {
        for studio in &mut studios {
            turns.tick().await;
            studio.produce(FRAME);
        }
    }
}

fn avc() -> Arc<CodecConfig> {
    Arc::new(CodecConfig {
        codec: Codec::Avc,
        record: Bytes::from_static(&[1, 0x64, 0, 0x1f, 0xFF]),
        rfc6381: "avc1.64001f".into(),
        timescale: 90_000,
        video: Some(VideoParams { width: 1280, height: 720, sar: (1, 1) }),
        audio: None,
    })
}

fn aac() -> Arc<CodecConfig> {
    Arc::new(CodecConfig {
        codec: Codec::Aac,
        record: Bytes::from_static(&[0x11, 0x90]),
        rfc6381: "mp4a.40.2".into(),
        timescale: 48_000,
        video: None,
        audio: Some(AudioParams { sample_rate: 48_000, channels: 2, frame_samples: 1024 }),
    })
}
