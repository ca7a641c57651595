//! Initialisation sections: `ftyp` + `moov` of one track (ISO 23000-19 §7.3).

use std::sync::Arc;

use bytes::Bytes;

use super::TRACK_ID;
use super::boxes::{boxed, full, saturate, u16, u32, zeros};
use crate::output::Init;
use crate::{AudioParams, Codec, CodecConfig, TrackId, VideoParams};

/// Packed ISO 639-2/T for "und": nothing on the wire says which language is spoken.
const LANGUAGE_UND: u16 = 0x55C4;

/// The unit matrix of `mvhd` and `tkhd`.
const MATRIX: [u32; 9] = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000];

/// objectTypeIndication of MPEG-4 audio (ISO 14496-1, table 5).
const OBJECT_AAC: u8 = 0x40;

/// objectTypeIndication of MPEG-1 audio.
const OBJECT_MP3: u8 = 0x6B;

/// Writes the section that lets a decoder start at any key frame of `config`.
#[must_use]
pub fn init(track: TrackId, config: &Arc<CodecConfig>) -> Init {
    let mut out = Vec::with_capacity(1024);
    boxed(&mut out, b"ftyp", |out| {
        out.extend_from_slice(b"iso6\0\0\0\0iso6cmfcmp41");
        if config.codec == Codec::Av1 {
            out.extend_from_slice(b"av01");
        }
    });
    boxed(&mut out, b"moov", |out| {
        mvhd(out);
        trak(out, config);
        boxed(out, b"mvex", |out| full(out, b"trex", 0, 0, trex));
    });
    let mut hash = blake3::hash(&out).to_hex().to_string();
    hash.truncate(16);
    Init { track, config: Arc::clone(config), hash, data: Bytes::from(out) }
}

fn mvhd(out: &mut Vec<u8>) {
    full(out, b"mvhd", 0, 0, |out| {
        zeros(out, 8);
        u32(out, 1000);
        u32(out, 0);
        u32(out, 0x1_0000);
        u16(out, 0x100);
        zeros(out, 10);
        matrix(out);
        zeros(out, 24);
        u32(out, TRACK_ID + 1);
    });
}

fn trex(out: &mut Vec<u8>) {
    u32(out, TRACK_ID);
    u32(out, 1);
    zeros(out, 12);
}

fn matrix(out: &mut Vec<u8>) {
    for value in MATRIX {
        u32(out, value);
    }
}

fn trak(out: &mut Vec<u8>, config: &CodecConfig) {
    boxed(out, b"trak", |out| {
        tkhd(out, config.video);
        boxed(out, b"mdia", |out| {
            full(out, b"mdhd", 0, 0, |out| {
                zeros(out, 8);
                u32(out, config.timescale);
                u32(out, 0);
                u16(out, LANGUAGE_UND);
                u16(out, 0);
            });
            hdlr(out, config.video.is_some());
            boxed(out, b"minf", |out| minf(out, config));
        });
    });
}

fn tkhd(out: &mut Vec<u8>, video: Option<VideoParams>) {
    // Enabled and in the movie.
    full(out, b"tkhd", 0, 3, |out| {
        zeros(out, 8);
        u32(out, TRACK_ID);
        zeros(out, 16);
        u16(out, 0);
        u16(out, 0);
        u16(out, if video.is_some() { 0 } else { 0x100 });
        u16(out, 0);
        matrix(out);
        let (width, height) = video.map_or((0, 0), shown);
        u32(out, width);
        u32(out, height);
    });
}

/// The size on the screen, 16.16 pixels: the coded width stretched by the sample aspect ratio.
fn shown(video: VideoParams) -> (u32, u32) {
    let (across, down) = (u64::from(video.sar.0.max(1)), u64::from(video.sar.1.max(1)));
    let width = (u64::from(video.width) << 16) * across / down;
    let height = u64::from(video.height) << 16;
    (u32::try_from(width).unwrap_or(u32::MAX), u32::try_from(height).unwrap_or(u32::MAX))
}

fn hdlr(out: &mut Vec<u8>, video: bool) {
    full(out, b"hdlr", 0, 0, |out| {
        u32(out, 0);
        out.extend_from_slice(if video { b"vide" } else { b"soun" });
        zeros(out, 12);
        out.extend_from_slice(if video { b"video\0" } else { b"sound\0" });
    });
}

fn minf(out: &mut Vec<u8>, config: &CodecConfig) {
    if config.video.is_some() {
        full(out, b"vmhd", 0, 1, |out| zeros(out, 8));
    } else {
        full(out, b"smhd", 0, 0, |out| zeros(out, 4));
    }
    boxed(out, b"dinf", |out| {
        full(out, b"dref", 0, 0, |out| {
            u32(out, 1);
            // Flag 1: the media lies in this file.
            full(out, b"url ", 0, 1, |_| {});
        });
    });
    boxed(out, b"stbl", |out| {
        full(out, b"stsd", 0, 0, |out| {
            u32(out, 1);
            sample_entry(out, config);
        });
        full(out, b"stts", 0, 0, |out| u32(out, 0));
        full(out, b"stsc", 0, 0, |out| u32(out, 0));
        full(out, b"stsz", 0, 0, |out| zeros(out, 8));
        full(out, b"stco", 0, 0, |out| u32(out, 0));
    });
}

fn sample_entry(out: &mut Vec<u8>, config: &CodecConfig) {
    let (entry, record): (&[u8; 4], &[u8; 4]) = match config.codec {
        Codec::Avc => (b"avc1", b"avcC"),
        Codec::Hevc => (b"hvc1", b"hvcC"),
        Codec::Av1 => (b"av01", b"av1C"),
        Codec::Opus => (b"Opus", b"dOps"),
        Codec::Aac | Codec::Mp3 => (b"mp4a", b"esds"),
    };
    boxed(out, entry, |out| {
        zeros(out, 6);
        // The one data reference.
        u16(out, 1);
        if let Some(video) = config.video {
            visual(out, video);
        }
        if let Some(audio) = config.audio {
            sound(out, audio);
        }
        match config.codec {
            Codec::Aac => esds(out, OBJECT_AAC, &config.record),
            Codec::Mp3 => esds(out, OBJECT_MP3, &[]),
            _ => boxed(out, record, |out| out.extend_from_slice(&config.record)),
        }
        if let Some(video) = config.video {
            pasp(out, video);
        }
    });
}

fn visual(out: &mut Vec<u8>, video: VideoParams) {
    zeros(out, 16);
    u16(out, u16::try_from(video.width).unwrap_or(u16::MAX));
    u16(out, u16::try_from(video.height).unwrap_or(u16::MAX));
    // 72 dpi, as every writer says.
    u32(out, 0x48_0000);
    u32(out, 0x48_0000);
    u32(out, 0);
    u16(out, 1);
    zeros(out, 32);
    u16(out, 24);
    u16(out, u16::MAX);
}

fn pasp(out: &mut Vec<u8>, video: VideoParams) {
    boxed(out, b"pasp", |out| {
        u32(out, video.sar.0.max(1));
        u32(out, video.sar.1.max(1));
    });
}

fn sound(out: &mut Vec<u8>, audio: AudioParams) {
    zeros(out, 8);
    u16(out, u16::try_from(audio.channels).unwrap_or(u16::MAX));
    u16(out, 16);
    u32(out, 0);
    // 16.16 holds no rate above 65,535 Hz; decoders take it from the record then.
    u32(out, u16::try_from(audio.sample_rate).map_or(0, |rate| u32::from(rate) << 16));
}

/// `esds` (ISO 14496-14 §5.6): descriptors in descriptors, each with a tag and a length.
fn esds(out: &mut Vec<u8>, object: u8, specific: &[u8]) {
    let mut decoder = vec![object, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    if !specific.is_empty() {
        descriptor(&mut decoder, 0x05, specific);
    }
    let mut stream = vec![0, 0, 0];
    descriptor(&mut stream, 0x04, &decoder);
    descriptor(&mut stream, 0x06, &[0x02]);
    full(out, b"esds", 0, 0, |out| descriptor(out, 0x03, &stream));
}

fn descriptor(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(tag);
    // Four bytes of seven bits: the long form is legal for short lengths too (ISO 14496-1 §8.3.3).
    let len = saturate(body.len());
    for shift in [21, 14, 7, 0] {
        let bits = u8::try_from(len >> shift & 0x7F).unwrap_or(0);
        out.push(if shift == 0 { bits } else { bits | 0x80 });
    }
    out.extend_from_slice(body);
}
