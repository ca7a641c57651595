//! Clips for publishers: made by ffmpeg once, kept below the target directory. Small pictures, because the tests share
//! two processors with the node; what matters is the shape of the stream.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a clip is made. The name is the file's name without its end.
pub(crate) struct Clip {
    pub(crate) name: &'static str,
    /// What ffmpeg is told between its inputs and the output.
    pub(crate) arguments: &'static str,
    /// `flv` for what RTMP always carried, `mp4` (fragmented, one sample each) for the rest.
    pub(crate) kind: &'static str,
    pub(crate) picture: Option<&'static str>,
    pub(crate) sound: Option<&'static str>,
    pub(crate) seconds: u32,
}

const PICTURE: Option<&str> = Some("testsrc2=size=640x360:rate=30");
const SOUND: Option<&str> = Some("sine=frequency=440:beep_factor=4:sample_rate=48000");

/// H.264 30 fps with two B-frames, key frame every 2 s, AAC stereo 48 kHz: what OBS sends.
pub(crate) const STANDARD: Clip = Clip {
    name: "standard",
    arguments: "-c:v libx264 -preset veryfast -pix_fmt yuv420p -b:v 600k -sc_threshold 0 -bf 2 -g 60 -c:a aac -b:a 96k -ac 2",
    kind: "flv",
    picture: PICTURE,
    sound: SOUND,
    seconds: 12,
};

/// No B-frames, key frame every second, AAC mono 44.1 kHz.
pub(crate) const LOW_DELAY: Clip = Clip {
    name: "low_delay",
    arguments: "-c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -b:v 600k -sc_threshold 0 -bf 0 -g 30 -c:a aac -b:a 64k -ac 1 -ar 44100",
    ..STANDARD
};

/// A telephone held upright.
pub(crate) const PORTRAIT: Clip =
    Clip { name: "portrait", picture: Some("testsrc2=size=360x640:rate=30"), ..STANDARD };

/// Sound without picture.
pub(crate) const AUDIO_ONLY: Clip =
    Clip { name: "audio_only", arguments: "-c:a aac -b:a 96k -ac 2", picture: None, ..STANDARD };

/// Picture without sound.
pub(crate) const VIDEO_ONLY: Clip = Clip {
    name: "video_only",
    arguments: "-c:v libx264 -preset veryfast -pix_fmt yuv420p -b:v 600k -sc_threshold 0 -bf 2 -g 60",
    sound: None,
    ..STANDARD
};

/// Key frames every 10 s: longer than the target duration, so segments are cut without one.
pub(crate) const LONG_GOP: Clip = Clip {
    name: "long_gop",
    arguments: "-c:v libx264 -preset veryfast -pix_fmt yuv420p -b:v 600k -sc_threshold 0 -bf 2 -g 300 -keyint_min 300 -c:a aac -b:a 96k -ac 2",
    seconds: 30,
    ..STANDARD
};

/// Frames between 20 and 100 ms apart, as telephones send them.
pub(crate) const VARYING_RATE: Clip = Clip {
    name: "varying_rate",
    arguments: "-vf select='lt(mod(n\\,7)\\,4)+not(mod(n\\,5))' -fps_mode vfr -c:v libx264 -preset veryfast -pix_fmt yuv420p -b:v 600k -bf 0 -force_key_frames expr:gte(t,n_forced*2) -c:a aac -b:a 96k -ac 2",
    picture: Some("testsrc2=size=640x360:rate=50"),
    ..STANDARD
};

/// B-frames that are references of B-frames: the deepest reordering encoders use.
pub(crate) const PYRAMID: Clip = Clip {
    name: "pyramid",
    arguments: "-c:v libx264 -preset veryfast -pix_fmt yuv420p -b:v 600k -sc_threshold 0 -bf 3 -b_strategy 0 -x264-params b-pyramid=normal -g 60 -c:a aac -b:a 96k -ac 2",
    ..STANDARD
};

/// HEVC with AAC, for Enhanced RTMP.
pub(crate) const HEVC: Clip = Clip {
    name: "hevc",
    arguments: "-c:v libx265 -preset ultrafast -pix_fmt yuv420p -b:v 600k -x265-params log-level=error:keyint=60:min-keyint=60:scenecut=0 -tag:v hvc1 -c:a aac -b:a 96k -ac 2",
    kind: "mp4",
    ..STANDARD
};

/// AV1 with Opus, for Enhanced RTMP.
pub(crate) const AV1_OPUS: Clip = Clip {
    name: "av1_opus",
    arguments: "-c:v libsvtav1 -preset 10 -pix_fmt yuv420p -b:v 600k -g 60 -c:a libopus -b:a 96k -ac 2",
    kind: "mp4",
    ..STANDARD
};

impl Clip {
    /// Where it lies; made now when no run has made it yet.
    pub(crate) fn path(&self) -> PathBuf {
        let folder = folder();
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{}.{}", self.name, self.kind));
        if !path.exists() {
            // Made under another name: a test beside this one, or an interrupted run, never leaves half a clip.
            let half = folder.join(format!("{}.{}.{}", self.name, std::process::id(), unique()));
            self.make(&half);
            std::fs::rename(&half, &path).unwrap();
        }
        path
    }

    fn make(&self, path: &Path) {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-y"]);
        for source in [self.picture, self.sound].into_iter().flatten() {
            ffmpeg.args(["-f", "lavfi", "-i", source]);
        }
        ffmpeg.args(self.arguments.split(' ')).args(["-t", &self.seconds.to_string()]);
        if self.kind == "mp4" {
            ffmpeg.args(["-movflags", "+frag_every_frame+empty_moov+default_base_moof+delay_moov"]);
        }
        let output = ffmpeg.args(["-f", self.kind]).arg(path).stdin(Stdio::null()).output();
        let output = output.expect("ffmpeg is needed: apt-get install ffmpeg");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ffmpeg could not make {}: {error}", self.name);
    }
}

/// Below the target directory: made, not kept.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("media")
}

fn unique() -> u32 {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}
