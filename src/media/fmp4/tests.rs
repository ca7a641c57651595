//! Sections and fragments read back by an independent box library.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use mp4_atom::{Codec as Entry, Decode, Encode, Ftyp, Mdat, Moof, Moov};

use super::{Sample, fragment, init};
use crate::{AudioParams, Codec, CodecConfig, TrackId, VideoParams};

fn video(codec: Codec, record: &'static [u8], sar: (u32, u32)) -> Arc<CodecConfig> {
    Arc::new(CodecConfig {
        codec,
        record: Bytes::from_static(record),
        rfc6381: String::new(),
        timescale: 90_000,
        video: Some(VideoParams { width: 720, height: 576, sar }),
        audio: None,
    })
}

fn audio(codec: Codec, record: &'static [u8], rate: u32) -> Arc<CodecConfig> {
    Arc::new(CodecConfig {
        codec,
        record: Bytes::from_static(record),
        rfc6381: String::new(),
        timescale: rate,
        video: None,
        audio: Some(AudioParams { sample_rate: rate, channels: 2, frame_samples: 1024 }),
    })
}

fn read(track: TrackId, config: &Arc<CodecConfig>) -> Moov {
    let made = init(track, config);
    let mut cursor = Cursor::new(made.data.as_ref());
    let ftyp = Ftyp::decode(&mut cursor).expect("an ftyp");
    let brands: Vec<_> = ftyp.compatible_brands.iter().map(ToString::to_string).collect();
    assert!(["iso6", "cmfc", "mp41"].iter().all(|one| brands.iter().any(|brand| brand == one)));
    let moov = Moov::decode(&mut cursor).expect("a moov");
    assert_eq!(cursor.position(), made.data.len() as u64);
    moov
}

fn entry(moov: &Moov) -> &Entry {
    let stbl = &moov.trak[0].mdia.minf.stbl;
    assert!(stbl.stts.entries.is_empty());
    &stbl.stsd.codecs[0]
}

const AVCC: &[u8] = &[
    1, 0x64, 0, 0x1F, 0xFF, 0xE1, 0, 4, 0x67, 0x64, 0, 0x1F, 1, 0, 2, 0x68, 0xEE, 0xFD, 0xF8, 0xF8,
    0,
];
const AV1C: &[u8] = &[0x81, 0x04, 0x0C, 0];
const DOPS: &[u8] = &[0, 2, 1, 0x38, 0, 0, 0xBB, 0x80, 0, 0, 0];

#[test]
fn a_video_section_has_one_track_that_fragments_extend() {
    let moov = read(TrackId::VIDEO, &video(Codec::Avc, AVCC, (16, 11)));
    assert_eq!(moov.trak.len(), 1);
    assert_eq!(moov.trak[0].tkhd.track_id, 1);
    assert_eq!(moov.trak[0].mdia.mdhd.timescale, 90_000);
    assert_eq!(moov.mvex.as_ref().unwrap().trex[0].track_id, 1);
    let Entry::Avc1(avc1) = entry(&moov) else { panic!("{moov:?}") };
    assert_eq!((avc1.visual.width, avc1.visual.height), (720, 576));
    let pasp = avc1.pasp.as_ref().unwrap();
    assert_eq!((pasp.h_spacing, pasp.v_spacing), (16, 11));
    assert_eq!(moov.trak[0].tkhd.width.integer(), 1047);
}

#[test]
fn decoder_records_pass_through_untouched() {
    for (codec, record, name) in
        [(Codec::Avc, AVCC, b"avcC"), (Codec::Av1, AV1C, b"av1C"), (Codec::Hevc, AVCC, b"hvcC")]
    {
        let data = init(TrackId::VIDEO, &video(codec, record, (1, 1))).data;
        let at = data.windows(4).position(|four| four == name).expect("the record's box");
        assert_eq!(&data[at + 4..at + 4 + record.len()], record);
        let size = u32::from_be_bytes(data[at - 4..at].try_into().unwrap());
        assert_eq!(size as usize, record.len() + 8);
    }
}

#[test]
fn av1_and_opus_have_their_sample_entries() {
    let moov = read(TrackId::VIDEO, &video(Codec::Av1, AV1C, (1, 1)));
    assert!(matches!(entry(&moov), Entry::Av01(_)), "{moov:?}");
    let moov = read(TrackId::AUDIO, &audio(Codec::Opus, DOPS, 48_000));
    let Entry::Opus(opus) = entry(&moov) else { panic!("{moov:?}") };
    assert_eq!(opus.dops.pre_skip, 312);
    assert_eq!(opus.audio.sample_rate.integer(), 48_000);
}

#[test]
fn aac_and_mp3_say_which_they_are_in_the_descriptor() {
    let moov = read(TrackId::AUDIO, &audio(Codec::Aac, &[0x11, 0x90], 48_000));
    let Entry::Mp4a(aac) = entry(&moov) else { panic!("{moov:?}") };
    let config = &aac.esds.es_desc.dec_config;
    assert_eq!((config.object_type_indication, config.stream_type), (0x40, 5));
    assert_eq!(config.dec_specific.as_ref().unwrap().freq_index, 3);
    assert_eq!(aac.audio.channel_count, 2);
    let moov = read(TrackId::AUDIO, &audio(Codec::Mp3, &[], 44_100));
    let Entry::Mp4a(mp3) = entry(&moov) else { panic!("{moov:?}") };
    assert_eq!(mp3.esds.es_desc.dec_config.object_type_indication, 0x6B);
}

#[test]
fn the_hash_names_the_bytes() {
    let one = init(TrackId::VIDEO, &video(Codec::Avc, AVCC, (1, 1)));
    let same = init(TrackId::VIDEO, &video(Codec::Avc, AVCC, (1, 1)));
    let other = init(TrackId::VIDEO, &video(Codec::Avc, AVCC, (4, 3)));
    assert_eq!(one.hash, same.hash);
    assert_ne!(one.hash, other.hash);
    assert!(one.hash.len() == 16 && one.hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
}

fn sample(duration: u32, offset: i32, key: bool, payload: &'static [u8]) -> Sample {
    Sample { duration, offset, key, payload: Bytes::from_static(payload) }
}

/// Duration, offset, flags and size of a sample.
type Entries = Vec<(u32, i64, u32, u32)>;

/// Reads a fragment: its sequence number, its time, its samples.
fn parse(data: &Bytes) -> (u32, u64, Entries) {
    let mut cursor = Cursor::new(data.as_ref());
    let moof = Moof::decode(&mut cursor).expect("a moof");
    let offset = cursor.position() + 8;
    Mdat::decode(&mut cursor).expect("an mdat");
    let traf = &moof.traf[0];
    assert_eq!(traf.trun[0].data_offset, Some(i32::try_from(offset).unwrap()));
    let read = |one: mp4_atom::TrunEntry| {
        let duration = one.duration.or(traf.tfhd.default_sample_duration).unwrap();
        let flags = one.flags.or(traf.tfhd.default_sample_flags).unwrap();
        (duration, one.cts.unwrap_or(0), flags, one.size.unwrap())
    };
    let time = traf.tfdt.as_ref().unwrap().base_media_decode_time;
    (moof.mfhd.sequence_number, time, traf.trun[0].samples.iter().map(read).collect())
}

#[test]
fn a_fragment_states_time_duration_offset_and_flags_of_each_sample() {
    let (sync, other) = (0x0200_0000, 0x0101_0000);
    let samples = [
        sample(3000, 6000, true, b"one"),
        sample(3001, -3000, false, b"three"),
        sample(3000, 0, false, b"x"),
    ];
    let (sequence, time, found) = parse(&fragment(9, 1 << 40, &samples));
    assert_eq!((sequence, time), (9, 1 << 40));
    let expected = [(3000, 6000, sync, 3), (3001, -3000, other, 5), (3000, 0, other, 1)];
    assert_eq!(found, expected);
}

#[test]
fn every_pattern_of_key_samples_is_told_apart() {
    for pattern in 0..32_u32 {
        let keys: Vec<bool> = (0..5).map(|bit| pattern >> bit & 1 == 1).collect();
        for count in 1..=5 {
            let samples: Vec<_> =
                keys[..count].iter().map(|key| sample(1024, 0, *key, b"abc")).collect();
            let (_, _, found) = parse(&fragment(1, 0, &samples));
            let read: Vec<bool> = found.iter().map(|one| one.2 & 0x1_0000 == 0).collect();
            assert_eq!(read, keys[..count], "{pattern} {count}");
            assert!(found.iter().all(|one| one.0 == 1024 && one.1 == 0));
        }
    }
}

#[test]
fn a_fragment_is_one_allocation_of_its_size() {
    let samples = vec![sample(1024, 0, true, b"sound"); 9];
    let data = fragment(1, 0, &samples);
    let vec: Vec<u8> = data.clone().into();
    assert_eq!(vec.capacity(), vec.len());
    // Boxes of 76 bytes and more, four bytes for each sample, eight for the head of the mdat.
    assert!(data.len() <= 120 + 9 * 4 + 8 + 9 * 5, "{}", data.len());
}

#[test]
fn the_box_library_writes_the_same_movie_again() {
    let config = video(Codec::Avc, AVCC, (1, 1));
    let moov = read(TrackId::VIDEO, &config);
    let mut again = Vec::new();
    moov.encode(&mut again).expect("encodes");
    let back = Moov::decode(&mut Cursor::new(&again)).expect("decodes");
    assert_eq!(back, moov);
}
