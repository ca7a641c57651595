//! Records as x264, x265, SVT-AV1, libopus and ffmpeg's AAC encoder write them, and hand-made ones.

use proptest::prelude::*;

use super::*;
use crate::{AudioParams, CodecConfig, VideoParams};

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).expect("hexadecimal") as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn video(config: &CodecConfig) -> (u32, u32, (u32, u32)) {
    let VideoParams { width, height, sar } = config.video.expect("video");
    (width, height, sar)
}

#[test]
fn avcc_gives_codec_string_cropped_size_and_aspect() {
    let table = [
        // 1080 lines are 1088 coded ones; SAR 4:3 from the table.
        (
            "01640028ffe1001b67640028acd940780227e5c384000003000400000300f03c60c65801000668ebe3cb22c0fdf8f800",
            "avc1.640028",
            (1920, 1080, (4, 3)),
        ),
        // 4:4:4, ten bits, cropped to 358 lines.
        (
            "01f4001effe1001a67f4001e90d9b281405ff1780880000003008000001e078b16cb01000668ebe3c44844fffafa00",
            "avc1.f4001e",
            (640, 358, (1, 1)),
        ),
        // Interlaced; extended SAR.
        (
            "0164001effe1001c6764001eacd940b424dff8008000788000000300800000190f8a14cb01000668fba3cb22c0fdf8f800",
            "avc1.64001e",
            (720, 576, (16, 15)),
        ),
    ];
    for (record, string, picture) in table {
        let config = avc::config(&unhex(record)).expect(string);
        assert_eq!(config.rfc6381, string);
        assert_eq!(video(&config), picture);
        assert_eq!(config.timescale, VIDEO_TIMESCALE);
        assert_eq!(config.record, unhex(record));
        assert_eq!(avc::length_size(&config.record), 4);
    }
}

/// x265, Main, level 4, 1916×1078 coded as 1920×1080.
const HVCC: &str = "01016000000090000000000078f000fcfdf8f800000f03200001001840010c01ffff016000000300900000030000030078959809210001002b420101016000000300900000030000030078a003c08010e77596566924caf0168080000003008000000f0422000100074401c172b46240";

#[test]
fn hvcc_gives_codec_string_size_and_parameter_sets() {
    let record = unhex(HVCC);
    let config = hevc::config(&record).expect("hvcC");
    assert_eq!(config.rfc6381, "hvc1.1.6.L120.90");
    assert_eq!(video(&config), (1916, 1078, (1, 1)));
    let types: Vec<u8> = hevc::parameter_sets(&record).map(|nal| nal[0] >> 1).collect();
    assert_eq!(types, [32, 33, 34]);
}

#[test]
fn hevc_high_tier_and_profile_space_are_in_the_codec_string() {
    let mut record = unhex(HVCC);
    record[1] = 0x80 | 0x20 | 2;
    record[2..6].copy_from_slice(&0x2000_0000u32.to_be_bytes());
    record[6..12].copy_from_slice(&[0xb0, 0, 0, 0, 0, 0x01]);
    let config = hevc::config(&record).expect("hvcC");
    assert_eq!(config.rfc6381, "hvc1.B2.4.H120.B0.0.0.0.0.1");
}

#[test]
fn av1c_gives_codec_string_and_size() {
    let config = av1::config(&unhex("81044c000a0c0200002566355ef805f08080")).expect("av1C");
    assert_eq!(config.rfc6381, "av01.0.04M.10");
    assert_eq!(video(&config), (854, 480, (1, 1)));
}

#[test]
fn a_bare_av1c_is_completed_from_a_key_frame() {
    let bare = unhex("81044c00");
    let config = av1::config(&bare).expect("av1C");
    assert_eq!(video(&config), (0, 0, (1, 1)));
    let sample = unhex("12000a0c0200002566355ef805f080803201aa");
    let whole = av1::complete(&bare, &sample).expect("sequence header in the sample");
    assert_eq!(whole, unhex("81044c000a0c0200002566355ef805f08080"));
    assert_eq!(av1::complete(&bare, &unhex("12003201aa")), None);
}

fn sound(record: &[u8]) -> (String, AudioParams) {
    let config = aac::config(record).expect("AudioSpecificConfig");
    assert_eq!(config.timescale, config.audio.expect("audio").sample_rate);
    (config.rfc6381, config.audio.expect("audio"))
}

/// Writes bit fields of (value, width) as bytes.
fn pack(fields: &[(u64, u32)]) -> Vec<u8> {
    let bits: Vec<u8> = fields
        .iter()
        .flat_map(|(value, width)| (0..*width).rev().map(move |at| (value >> at & 1) as u8))
        .collect();
    bits.chunks(8)
        .map(|byte| byte.iter().enumerate().fold(0, |sum, (at, bit)| sum | bit << (7 - at)))
        .collect()
}

#[test]
fn aac_of_every_kind_is_described_at_its_output_rate() {
    let params =
        |sample_rate, channels, frame_samples| AudioParams { sample_rate, channels, frame_samples };
    let table: [(&str, Vec<u8>, &str, AudioParams); 9] = [
        ("LC as OBS sends it", unhex("119056e500"), "mp4a.40.2", params(48000, 2, 1024)),
        ("LC mono 44.1", unhex("1208"), "mp4a.40.2", params(44100, 1, 1024)),
        ("LC 5.1", unhex("1230"), "mp4a.40.2", params(44100, 6, 1024)),
        ("LC of 960 samples", unhex("1194"), "mp4a.40.2", params(48000, 2, 960)),
        (
            "HE, explicit",
            pack(&[(5, 5), (6, 4), (2, 4), (3, 4), (2, 5), (0, 3)]),
            "mp4a.40.5",
            params(48000, 2, 2048),
        ),
        (
            "HEv2, explicit",
            pack(&[(29, 5), (7, 4), (1, 4), (4, 4), (2, 5), (0, 3)]),
            "mp4a.40.29",
            params(44100, 2, 2048),
        ),
        (
            "HE, backward compatible",
            pack(&[(2, 5), (7, 4), (2, 4), (0, 3), (0x2b7, 11), (5, 5), (1, 1), (4, 4)]),
            "mp4a.40.5",
            params(44100, 2, 2048),
        ),
        (
            "HEv2, backward compatible",
            pack(&[
                (2, 5),
                (7, 4),
                (1, 4),
                (0, 3),
                (0x2b7, 11),
                (5, 5),
                (1, 1),
                (4, 4),
                (0x548, 11),
                (1, 1),
            ]),
            "mp4a.40.29",
            params(44100, 2, 2048),
        ),
        (
            "odd rate",
            pack(&[(2, 5), (15, 4), (37800, 24), (1, 4), (0, 3)]),
            "mp4a.40.2",
            params(37800, 1, 1024),
        ),
    ];
    for (name, record, string, expected) in table {
        assert_eq!(sound(&record), (string.to_owned(), expected), "{name}");
    }
}

#[test]
fn channels_may_come_from_a_program_config_element() {
    // One front pair, one front single, one LFE: 2 + 1 + 1.
    let record = pack(&[
        (2, 5),
        (3, 4),
        (0, 4),
        (0, 3),
        (0, 4),
        (1, 2),
        (3, 4),
        (2, 4),
        (0, 4),
        (0, 4),
        (1, 2),
        (0, 3),
        (0, 4),
        (0, 3),
        (1, 1),
        (0, 4),
        (0, 1),
        (1, 4),
        (0, 4),
    ]);
    assert_eq!(sound(&record).1.channels, 4);
}

#[test]
fn aac_that_browsers_do_not_play_is_refused_by_name() {
    let eld = pack(&[(31, 5), (7, 6), (3, 4), (2, 4), (0, 16)]);
    assert_eq!(aac::config(&eld), Err(ConfigError::Unsupported("AAC-ELD".to_owned())));
    let reserved_rate = pack(&[(2, 5), (13, 4), (2, 4), (0, 3)]);
    assert!(matches!(aac::config(&reserved_rate), Err(ConfigError::Malformed(_))));
}

#[test]
fn opus_head_becomes_dops_with_its_pre_skip() {
    let config = opus::config(&unhex("4f707573486561640101380180bb0000000000")).expect("OpusHead");
    assert_eq!(config.record, unhex("0001013800 00bb80000000".replace(' ', "").as_str()));
    assert_eq!(config.timescale, 48000);
    assert_eq!(config.audio.expect("audio").channels, 1);
    // Mapping family 1 needs its table.
    let mut surround = b"OpusHead\x01\x06\x38\x01\x80\xbb\x00\x00\x00\x00\x01".to_vec();
    assert!(opus::config(&surround).is_err());
    surround.extend([4, 2, 0, 4, 1, 2, 3, 5]);
    assert_eq!(opus::config(&surround).expect("surround").record.len(), 11 + 8);
}

#[test]
fn opus_packets_tell_their_duration() {
    let table: [(&[u8], Option<u32>); 9] = [
        (&[0xfc], Some(960)),
        (&[31 << 3 | 1], Some(1920)),
        (&[16 << 3], Some(120)),
        (&[0], Some(480)),
        (&[3 << 3], Some(2880)),
        (&[13 << 3], Some(960)),
        (&[31 << 3 | 3, 6], Some(5760)),
        (&[31 << 3 | 3, 7], None),
        (&[3], None),
    ];
    for (packet, samples) in table {
        assert_eq!(opus::packet_samples(packet), samples, "{packet:x?}");
    }
}

#[test]
fn mp3_headers_describe_frames() {
    let header = mp3::header(&[0xff, 0xfb, 0x50, 0xc4]).expect("header");
    assert_eq!(header, mp3::Header { rate: 44100, channels: 1, samples: 1152, bytes: 208 });
    let low = mp3::header(&[0xff, 0xf3, 0x44, 0x00]).expect("MPEG-2");
    assert_eq!((low.rate, low.channels, low.samples), (24000, 2, 576));
    assert_eq!(mp3::header(&[0xff, 0xfb, 0x0c, 0]), None);
    assert_eq!(mp3::header(&[0xff, 0xfb]), None);
}

#[test]
fn every_truncation_of_a_record_is_an_error_or_a_config_but_no_panic() {
    let avcc = unhex(
        "01640028ffe1001b67640028acd940780227e5c384000003000400000300f03c60c65801000668ebe3cb22c0fdf8f800",
    );
    assert!((0..20).all(|len| avc::config(&avcc[..len]).is_err()));
    let hvcc = unhex(HVCC);
    assert!((0..80).all(|len| hevc::config(&hvcc[..len]).is_err()));
    assert!(av1::config(&[0x81, 0, 0]).is_err());
    assert!(avc::config(&[&avcc[..], &vec![0; RECORD_BYTES_MAX]].concat()).is_err());
}

proptest! {
    #[test]
    fn arbitrary_records_never_panic(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = avc::config(&data);
        let _ = hevc::config(&data);
        let _ = av1::config(&data);
        let _ = av1::complete(&data, &data);
        let _ = aac::config(&data);
        let _ = opus::config(&data);
        let _ = mp3::header(&data);
        let _ = opus::packet_samples(&data);
    }

    #[test]
    fn damaged_records_never_panic(at in 0usize..200, value: u8, cut in 0usize..200) {
        for text in [HVCC, "0164001effe1001c6764001eacd940b424dff8008000788000000300800000190f8a14cb01000668fba3cb22c0fdf8f800", "81044c000a0c0200002566355ef805f08080"] {
            let mut data = unhex(text);
            if let Some(byte) = data.get_mut(at) {
                *byte = value;
            }
            data.truncate(data.len().saturating_sub(cut));
            let _ = (avc::config(&data), hevc::config(&data), av1::config(&data));
        }
    }
}
