//! Valid bytes of every kind and the ways to spoil them.

use crate::random::Random;

/// Valid inputs.
pub(crate) struct Corpus {
    handshake: Vec<u8>,
    opening: Vec<u8>,
    media: Vec<Vec<u8>>,
    amf: Vec<Vec<u8>>,
    video: Vec<Vec<u8>>,
    audio: Vec<Vec<u8>>,
}

impl Corpus {
    /// Writes them.
    pub(crate) fn new() -> Self {
        let (video, audio) = (video_tags(), audio_tags());
        let mut media = Vec::new();
        for (csid, kind, tags) in [(6, 9, &video), (4, 8, &audio)] {
            media.extend(tags.iter().map(|tag| chunk(csid, 40, kind, 1, tag)));
        }
        // Interleaved, extended and continued headers.
        media.push(vec![0xC6]);
        media.push(
            [&[0x06, 0xFF, 0xFF, 0xFF, 0, 0, 200, 9, 1, 0, 0, 0, 1, 2, 3, 4][..], &[7; 128]]
                .concat(),
        );
        media.push([&[0xC6, 1, 2, 3, 4][..], &[7; 72]].concat());
        media.push([&[0x44, 0, 0, 20, 0, 0, 4, 8][..], &[1; 4]].concat());
        media.push([&[0x84, 0, 0, 20][..], &[1; 4]].concat());
        media.push(chunk(2, 0, 1, 0, &4096_u32.to_be_bytes()));
        media.push(chunk(2, 0, 2, 0, &6_u32.to_be_bytes()));
        media.push(chunk(2, 0, 5, 0, &2_500_000_u32.to_be_bytes()));
        media.push(chunk(2, 0, 4, 0, &[0, 6, 0, 0, 0, 1]));
        media.push(chunk(4, 9, 22, 1, &aggregate(&audio)));
        let amf = commands();
        let mut opening = chunk(2, 0, 1, 0, &4096_u32.to_be_bytes());
        for (n, body) in amf.iter().take(5).enumerate() {
            let stream = u32::from(n == 4);
            opening.extend(chunk(3, 0, 20, stream, body));
        }
        let mut handshake = vec![3, 0, 0, 0, 0, 0, 0, 0, 0];
        handshake.resize(1 + 1536 + 1536, 0x5A);
        Self { handshake, opening, media, amf, video, audio }
    }

    /// Chunks of a publisher, spoiled.
    pub(crate) fn chunks(&self, random: &mut Random) -> Vec<u8> {
        let mut out = Vec::new();
        for _ in 0..=random.below(6) {
            out.extend(random.pick(&self.media));
        }
        spoil(out, random)
    }

    /// A command's body, spoiled.
    pub(crate) fn amf(&self, random: &mut Random) -> Vec<u8> {
        let body = random.pick(&self.amf).clone();
        spoil(body, random)
    }

    /// What comes behind a handshake, spoiled in one of three places.
    pub(crate) fn session(&self, random: &mut Random) -> Vec<u8> {
        let mut out = match random.below(3) {
            0 => spoil(self.opening.clone(), random),
            _ => self.opening.clone(),
        };
        match random.below(3) {
            0 => out.extend(chunk(3, 0, *random.pick(&[20, 17, 18, 15]), 1, &self.amf(random))),
            _ => out.extend(self.chunks(random)),
        }
        out
    }

    /// All bytes of a connection, spoiled anywhere.
    pub(crate) fn connection(&self, random: &mut Random) -> Vec<u8> {
        let all = [&self.handshake[..], &self.session(random)].concat();
        if random.below(2) == 0 { spoil(all, random) } else { all }
    }

    /// A tag body, spoiled; true for video.
    pub(crate) fn tag(&self, random: &mut Random) -> (bool, Vec<u8>) {
        let video = random.below(2) == 0;
        let tag = random.pick(if video { &self.video } else { &self.audio }).clone();
        (video, spoil(tag, random))
    }
}

/// Changes a few bytes, cuts, doubles or adds; sometimes nothing.
fn spoil(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    for _ in 0..random.below(5) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        match random.below(10) {
            0 => bytes.truncate(at),
            1 => {
                let end = (at + random.below(32)).min(bytes.len());
                bytes.drain(at..end);
            }
            2 => {
                let end = (at + random.below(64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            3 => bytes.insert(at, random.byte()),
            4 => bytes[at] ^= 1 << random.below(8),
            _ => bytes[at] = random.byte(),
        }
    }
    bytes
}

fn chunk(csid: u8, timestamp: u32, kind: u8, stream: u32, body: &[u8]) -> Vec<u8> {
    let mut out = vec![csid];
    out.extend(&timestamp.to_be_bytes()[1..]);
    out.extend(&(body.len() as u32).to_be_bytes()[1..]);
    out.push(kind);
    out.extend(stream.to_le_bytes());
    out.extend(body);
    out
}

fn aggregate(tags: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for tag in tags {
        out.push(8);
        out.extend(&(tag.len() as u32).to_be_bytes()[1..]);
        out.extend([0; 7]);
        out.extend(tag);
        out.extend((tag.len() as u32 + 11).to_be_bytes());
    }
    out
}

fn text(text: &str) -> Vec<u8> {
    [&[2][..], &short(text)].concat()
}

fn short(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat()
}

fn number(number: f64) -> Vec<u8> {
    [&[0][..], &number.to_be_bytes()].concat()
}

fn object(marker: &[u8], properties: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = marker.to_vec();
    for (name, value) in properties {
        out.extend(short(name));
        out.extend(value);
    }
    out.extend([0, 0, 9]);
    out
}

fn commands() -> Vec<Vec<u8>> {
    let codecs = [&[10, 0, 0, 0, 2][..], &text("hvc1"), &text("av01")].concat();
    let client = object(
        &[3],
        &[
            ("app", text("live")),
            ("flashVer", text("FMLE/3.0")),
            ("tcUrl", text("rtmp://h/live")),
            ("objectEncoding", number(0.0)),
            ("capsEx", number(7.0)),
            ("fourCcList", codecs),
        ],
    );
    let named =
        |name: &str, argument: &[u8]| [&text(name)[..], &number(2.0), &[5], argument].concat();
    let metadata = object(
        &[8, 0, 0, 0, 9],
        &[("width", number(1280.0)), ("stereo", vec![1, 1]), ("encoder", text("obs"))],
    );
    let odd = [
        &text("onTextData")[..],
        &[11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 1, b'l', 15, 0, 0, 0, 0, 6, 7, 0, 1, 13],
        &object(&[16, 0, 1, b'T'], &[("a", vec![5])]),
        &[10, 0, 0, 0, 1, 10, 0, 0, 0, 1, 3, 0, 0, 9],
    ];
    vec![
        [&text("connect")[..], &number(1.0), &client].concat(),
        named("releaseStream", &text("key")),
        named("FCPublish", &text("key")),
        named("createStream", &[]),
        named("publish", &[text("key?a=%41"), text("live")].concat()),
        named("deleteStream", &number(1.0)),
        named("deleteStream", &text("key")),
        named("play", &text("key")),
        named("whatever", &[]),
        [text("@setDataFrame"), text("onMetaData"), metadata].concat(),
        odd.concat(),
    ]
}

/// A configuration of H.264 with its parameter sets.
const AVC: [u8; 45] = [
    0x01, 0x64, 0x00, 0x1E, 0xFF, 0xE1, 0x00, 0x19, 0x67, 0x64, 0x00, 0x1E, 0xAC, 0xD9, 0x40, 0xA0,
    0x2F, 0xF9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00, 0x3C, 0x0F, 0x16,
    0x2D, 0x96, 0x01, 0x00, 0x06, 0x68, 0xEB, 0xE3, 0xCB, 0x22, 0xC0, 0x00, 0x00,
];
/// A configuration of HEVC with one empty array of each kind.
const HEVC: [u8; 38] = [
    0x01, 0x01, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 0x5D, 0xF0, 0, 0xFC, 0xFD, 0xF8, 0xF8, 0, 0,
    0x0F, 0x03, 0x20, 0, 1, 0, 2, 0x40, 1, 0x21, 0, 1, 0, 2, 0x42, 1, 0,
];
/// A configuration of AV1 with the beginning of a sequence header.
const AV1: [u8; 16] =
    [0x81, 0x04, 0x0C, 0x00, 0x0A, 0x0B, 0, 0, 0, 0x2D, 0x4C, 0xFF, 0xB3, 0xC0, 0x21, 0x95];
/// An identification header of Opus.
const OPUS: [u8; 19] =
    [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', 1, 2, 0x38, 1, 0x80, 0xBB, 0, 0, 0, 0, 0];

fn video_tags() -> Vec<Vec<u8>> {
    let nal = [0, 0, 0, 5, 0x65, 1, 2, 3, 4];
    let join = |head: &[u8], body: &[u8]| [head, body].concat();
    vec![
        join(&[0x17, 0, 0, 0, 0], &AVC),
        join(&[0x17, 1, 0, 0, 67], &nal),
        join(&[0x27, 1, 0xFF, 0xFF, 0xF0], &nal),
        vec![0x17, 2, 0, 0, 0],
        vec![0x22, 0, 1],
        join(b"\x90hvc1", &HEVC),
        join(b"\x91hvc1\x00\x00\x21", &nal),
        join(b"\xA3hvc1", &nal),
        join(b"\x90av01", &AV1),
        join(b"\x91av01", &[0x12, 0, 0x0A, 1, 0, 0x32, 2, 1, 2]),
        join(b"\x90avc1", &AVC),
        join(b"\x92av01", &[]),
        join(b"\xD4hvc1", &[2, 0, 9, b'c', b'o', b'l', b'o', b'r']),
        join(b"\x90vp09", &[1, 0, 0, 0]),
        // ModEx with a nanosecond offset in front of a coded frame.
        join(&[0x97, 2, 0, 0, 9, 0x01], &join(b"hvc1\x00\x00\x00", &nal)),
        // Multitrack: one track, many tracks, many codecs.
        join(&[0x96, 0x00], &join(b"avc1\x01", &AVC)),
        join(&[0x96, 0x11], &join(b"avc1\x00\x00\x00\x0C\x00\x00\x00", &nal)),
        join(&[0x96, 0x21], &join(b"avc1\x01\x00\x00\x0C\x00\x00\x00", &nal)),
    ]
}

fn audio_tags() -> Vec<Vec<u8>> {
    let join = |head: &[u8], body: &[u8]| [head, body].concat();
    vec![
        vec![0xAF, 0, 0x11, 0x90, 0x56, 0xE5, 0x00],
        vec![0xAF, 1, 0x21, 0x10, 0x04, 0x60],
        vec![0x2F, 0xFF, 0xFB, 0x90, 0x64, 0, 0],
        vec![0xBF, 1, 2, 3],
        join(b"\x90Opus", &OPUS),
        join(b"\x91Opus", &[0xFC, 1, 2, 3]),
        join(b"\x94Opus", &[1, 2, 0, 0, 0, 3]),
        join(b"\x90mp4a", &[0x11, 0x90]),
        join(b"\x91mp4a", &[0x21, 0x10]),
        join(b"\x91.mp3", &[0xFF, 0xFB, 0x90, 0x64]),
        join(b"\x90fLaC", b"fLaC"),
        join(&[0x95, 0x01], b"Opus\x00\xFC\x01"),
        join(&[0x97, 0, 9, 0x01], b"Opus\xFC\x01"),
    ]
}
