//! FLV and Enhanced RTMP tags, from the publisher's side: read from a file that ffmpeg made, or built from the samples of a
//! fragmented MP4 for the codecs that ffmpeg 5.1 cannot publish. (Adobe FLV 10.1, Enhanced RTMP v2.)

use std::path::Path;

use bytes::{BufMut, Bytes, BytesMut};

use super::clip::Clip;
use super::mp4::{self, Sample, Track};

/// Which message carries a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TagKind {
    Audio = 8,
    Video = 9,
    Script = 18,
}

/// A tag: what one RTMP message carries.
#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) kind: TagKind,
    pub(crate) ms: u32,
    pub(crate) body: Bytes,
}

/// A clip as tags: what is sent once at the start, what is sent again each round, and how long a round is.
#[derive(Debug, Clone)]
pub(crate) struct Tags {
    pub(crate) headers: Vec<Tag>,
    pub(crate) frames: Vec<Tag>,
    pub(crate) round_ms: u32,
}

impl Tag {
    /// A codec configuration rather than a frame.
    fn is_header(&self) -> bool {
        let enhanced = |byte: u8| byte & 0x80 != 0;
        match (self.kind, self.body.first(), self.body.get(1)) {
            (TagKind::Script, ..) => true,
            (TagKind::Video, Some(first), _) if enhanced(*first) => first & 0x0f == 0,
            (TagKind::Audio, Some(first), _) if first >> 4 == 9 => first & 0x0f == 0,
            (TagKind::Video, Some(_), Some(kind)) => *kind != 1,
            (TagKind::Audio, Some(first), Some(kind)) => first >> 4 == 10 && *kind == 0,
            _ => true,
        }
    }

    /// A video key frame.
    pub(crate) fn is_key(&self) -> bool {
        self.kind == TagKind::Video && self.body.first().is_some_and(|one| one >> 4 & 0x07 == 1)
    }
}

impl Tags {
    /// The tags of a clip, whatever file it lies in.
    pub(crate) fn of(clip: &Clip) -> Self {
        let path = clip.path();
        let data = Bytes::from(std::fs::read(&path).unwrap());
        let tags = match path.extension().and_then(|end| end.to_str()) {
            Some("flv") => tags_of_flv(&data),
            _ => tags_of_mp4(&data),
        };
        Self::new(tags)
    }

    /// The tags of an FLV file.
    pub(crate) fn of_file(path: &Path) -> Self {
        Self::new(tags_of_flv(&Bytes::from(std::fs::read(path).unwrap())))
    }

    fn new(tags: Vec<Tag>) -> Self {
        let (headers, frames): (Vec<Tag>, Vec<Tag>) = tags.into_iter().partition(Tag::is_header);
        assert!(!frames.is_empty(), "a clip without frames");
        let last = frames.iter().map(|tag| tag.ms).max().unwrap_or_default();
        let of_last_kind = || frames.iter().filter(|tag| tag.kind == frames[0].kind);
        let count = u32::try_from(of_last_kind().count()).unwrap();
        // A round ends one mean frame after its last one, so that the loop has no hole.
        let round_ms = last + last / count.max(1);
        Self { headers, frames, round_ms }
    }
}

fn tags_of_flv(data: &Bytes) -> Vec<Tag> {
    assert_eq!(&data[..3], b"FLV", "an FLV file");
    let (mut at, mut tags) = (9 + 4, Vec::new());
    while at + 11 <= data.len() {
        let byte = |offset: usize| u32::from(data[at + offset]);
        let size = (byte(1) << 16 | byte(2) << 8 | byte(3)) as usize;
        let ms = byte(7) << 24 | byte(4) << 16 | byte(5) << 8 | byte(6);
        let kind = match data[at] & 0x1f {
            8 => TagKind::Audio,
            9 => TagKind::Video,
            _ => TagKind::Script,
        };
        let body = data.slice(at + 11..at + 11 + size);
        // AVC's "end of sequence" is neither a frame nor a configuration.
        let end = kind == TagKind::Video && body[0] & 0x80 == 0 && body[1] == 2;
        if kind != TagKind::Script && !end {
            tags.push(Tag { kind, ms, body });
        }
        at += 11 + size + 4;
    }
    tags
}

fn tags_of_mp4(data: &Bytes) -> Vec<Tag> {
    let tracks = mp4::tracks(data);
    let mut tags: Vec<Tag> = tracks.iter().map(header).collect();
    let mut frames: Vec<Tag> = Vec::new();
    for sample in mp4::samples(data, &mp4::defaults(data)) {
        let track = tracks.iter().find(|one| one.id == sample.track).expect("a known track");
        frames.push(frame(track, &sample));
    }
    frames.sort_by_key(|tag| tag.ms);
    tags.extend(frames);
    tags
}

/// SequenceStart: in the old form for AAC, in the enhanced form for everything else.
fn header(track: &Track) -> Tag {
    let mut body = BytesMut::new();
    let kind = match track.format.as_str() {
        "mp4a" => {
            body.put_slice(&[0xaf, 0]);
            TagKind::Audio
        }
        "Opus" => {
            body.put_u8(0x90);
            body.put_slice(b"Opus");
            body.put_slice(&opus_head(&track.config));
            return Tag { kind: TagKind::Audio, ms: 0, body: body.freeze() };
        }
        video => {
            body.put_u8(0x90);
            body.put_slice(video.as_bytes());
            TagKind::Video
        }
    };
    body.put_slice(&track.config);
    Tag { kind, ms: 0, body: body.freeze() }
}

/// E-RTMP carries the `OpusHead` of RFC 7845; MP4 keeps the same fields in `dOps`, big-endian and without the magic.
fn opus_head(dops: &[u8]) -> Vec<u8> {
    let mut head = b"OpusHead\x01".to_vec();
    head.push(dops[1]);
    head.extend([dops[3], dops[2], dops[7], dops[6], dops[5], dops[4], dops[9], dops[8], dops[10]]);
    head
}

fn frame(track: &Track, sample: &Sample) -> Tag {
    let to_ms = |ticks: i64| ticks * 1000 / i64::from(track.timescale);
    let ms = u32::try_from(to_ms(i64::try_from(sample.dts).unwrap())).unwrap();
    let mut body = BytesMut::new();
    let kind = match track.format.as_str() {
        "mp4a" => {
            body.put_slice(&[0xaf, 1]);
            TagKind::Audio
        }
        "Opus" => {
            body.put_u8(0x91);
            body.put_slice(b"Opus");
            TagKind::Audio
        }
        video => {
            let cts = to_ms(i64::from(sample.cts));
            // CodedFramesX (3) is CodedFrames (1) without a composition time; AV1 never has one.
            let packet = if video == "av01" || cts != 0 { 1 } else { 3 };
            body.put_u8(0x80 | if sample.key { 0x10 } else { 0x20 } | packet);
            body.put_slice(video.as_bytes());
            if packet == 1 && video != "av01" {
                body.put_int(cts, 3);
            }
            TagKind::Video
        }
    };
    body.put_slice(&sample.data);
    Tag { kind, ms, body: body.freeze() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::clip;

    #[test]
    fn a_clip_begins_with_its_configurations_and_a_key_frame() {
        for clip in [clip::STANDARD, clip::HEVC, clip::AV1_OPUS] {
            let tags = Tags::of(&clip);
            assert_eq!(tags.headers.len(), 2, "{}", clip.name);
            let first = tags.frames.iter().find(|tag| tag.kind == TagKind::Video).unwrap();
            assert!(first.is_key(), "{}", clip.name);
            let seconds = tags.round_ms / 1000;
            assert!((11..=12).contains(&seconds), "{}: {seconds} s", clip.name);
            assert!(tags.frames.windows(2).all(|pair| pair[0].ms <= pair[1].ms), "{}", clip.name);
        }
    }

    #[test]
    fn composition_times_are_written_in_three_signed_bytes() {
        let track = Track {
            id: 1,
            timescale: 1000,
            format: "hvc1".into(),
            config: Bytes::new(),
            size: (0, 0),
        };
        let sample = Sample {
            track: 1,
            dts: 40,
            cts: -1,
            duration: 40,
            key: false,
            data: Bytes::from_static(b"x"),
        };
        assert_eq!(&frame(&track, &sample).body[..], b"\xa1hvc1\xff\xff\xffx");
    }
}
