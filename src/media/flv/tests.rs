//! Message bodies as OBS, ffmpeg and the specifications write them.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{Codec, TrackKind};

const AVCC: &str =
    "014d401fffe10019674d401feca02802dd8088000003000800000301e078c18cb001000468efbc80";
const HVCC: &str = "01016000000090000000000078f000fcfdf8f800000f03200001001840010c01ffff016000000300900000030000030078959809210001002b420101016000000300900000030000030078a003c08010e77596566924caf0168080000003008000000f0422000100074401c172b46240";
const AV1C: &str = "81044c000a0c0200002566355ef805f08080";
const OPUS_HEAD: &str = "4f707573486561640101380180bb0000000000";

const V1: TrackId = TrackId { kind: TrackKind::Video, index: 1 };

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).expect("hexadecimal") as u8;
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// A body from parts.
fn body(parts: &[&[u8]]) -> Bytes {
    Bytes::from(parts.concat())
}

#[derive(Default)]
struct Bench {
    demuxer: Demuxer,
    tags: Vec<Tag>,
}

impl Bench {
    fn video(&mut self, parts: &[&[u8]]) -> Result<Vec<Tag>, FlvError> {
        self.demuxer.video(40, body(parts), &mut self.tags)?;
        Ok(std::mem::take(&mut self.tags))
    }

    fn audio(&mut self, parts: &[&[u8]]) -> Result<Vec<Tag>, FlvError> {
        self.demuxer.audio(40, body(parts), &mut self.tags)?;
        Ok(std::mem::take(&mut self.tags))
    }
}

fn frame(track: TrackId, cts_ms: i32, key: bool, payload: &[u8]) -> Tag {
    Tag::Frame { track, timestamp_ms: 40, cts_ms, key, payload: Bytes::copy_from_slice(payload) }
}

fn is_config(tags: &[Tag], on: TrackId, codec: Codec) -> bool {
    matches!(tags, [Tag::Config { track, config }] if *track == on && config.codec == codec)
}

const IDR: &[u8] = &[0, 0, 0, 2, 0x65, 0x88];
const SLICE: &[u8] = &[0, 0, 0, 2, 0x41, 0x9a];

#[test]
fn legacy_avc_and_aac_pass_with_signed_composition_times() {
    let mut bench = Bench::default();
    let config = bench.video(&[&[0x17, 0, 0, 0, 0], &unhex(AVCC)]).expect("config");
    assert!(is_config(&config, TrackId::VIDEO, Codec::Avc));
    let key = bench.video(&[&[0x17, 1, 0, 0, 66], IDR]);
    assert_eq!(key, Ok(vec![frame(TrackId::VIDEO, 66, true, IDR)]));
    let early = bench.video(&[&[0x27, 1, 0xff, 0xff, 0xdf], SLICE]);
    assert_eq!(early, Ok(vec![frame(TrackId::VIDEO, -33, false, SLICE)]));
    assert_eq!(bench.video(&[&[0x17, 2, 0, 0, 0]]), Ok(vec![]), "end of sequence");
    assert_eq!(bench.video(&[&[0x57, 0]]), Ok(vec![]), "command frame");
    let config = bench.audio(&[&[0xaf, 0], &unhex("119056e500")]).expect("config");
    assert!(is_config(&config, TrackId::AUDIO, Codec::Aac));
    assert_eq!(bench.audio(&[&[0xaf, 1, 9, 9]]), Ok(vec![frame(TrackId::AUDIO, 0, true, &[9, 9])]));
}

#[test]
fn an_identical_configuration_is_given_once_and_a_different_one_again() {
    let mut bench = Bench::default();
    let record = unhex(AVCC);
    assert_eq!(bench.video(&[&[0x17, 0, 0, 0, 0], &record]).map(|tags| tags.len()), Ok(1));
    assert_eq!(bench.video(&[&[0x17, 0, 0, 0, 0], &record]), Ok(vec![]));
    // The same record in the other form is the same configuration.
    assert_eq!(bench.video(&[b"\x90avc1", &record]), Ok(vec![]));
    let mut other = record.clone();
    other[3] = 0x20;
    assert_eq!(bench.video(&[&[0x17, 0, 0, 0, 0], &other]).map(|tags| tags.len()), Ok(1));
    assert_eq!(bench.video(&[&[0x17, 0, 0, 0, 0]]), Ok(vec![]), "an empty record says nothing");
}

#[test]
fn enhanced_video_of_each_codec_passes() {
    let mut bench = Bench::default();
    assert!(is_config(
        &bench.video(&[b"\x90hvc1", &unhex(HVCC)]).expect("hvc1"),
        TrackId::VIDEO,
        Codec::Hevc
    ));
    let sample = [0, 0, 0, 3, 0x26, 1, 0xaf];
    let coded = bench.video(&[b"\x91hvc1\x00\x00\x42", &sample]);
    assert_eq!(coded, Ok(vec![frame(TrackId::VIDEO, 66, true, &sample)]));
    let without_offset = bench.video(&[b"\xa3hvc1", &sample]);
    assert_eq!(without_offset, Ok(vec![frame(TrackId::VIDEO, 0, false, &sample)]));

    let mut bench = Bench::default();
    assert!(is_config(
        &bench.video(&[b"\x90av01", &unhex(AV1C)]).expect("av01"),
        TrackId::VIDEO,
        Codec::Av1
    ));
    let unit = [0x32, 2, 7, 7];
    let delimited = bench.video(&[b"\x91av01\x12\x00", &unit]);
    assert_eq!(delimited, Ok(vec![frame(TrackId::VIDEO, 0, true, &unit)]), "delimiter in front");
    let middle = bench.video(&[b"\xa1av01", &unit, &[0x12, 0], &unit]);
    assert_eq!(middle, Ok(vec![frame(TrackId::VIDEO, 0, false, &[unit, unit].concat())]));

    let mut bench = Bench::default();
    assert!(is_config(
        &bench.video(&[b"\x90avc1", &unhex(AVCC)]).expect("avc1"),
        TrackId::VIDEO,
        Codec::Avc
    ));
    assert_eq!(
        bench.video(&[b"\xa3avc1", SLICE]),
        Ok(vec![frame(TrackId::VIDEO, 0, false, SLICE)])
    );
}

#[test]
fn enhanced_audio_of_each_codec_passes() {
    let mut bench = Bench::default();
    assert!(is_config(
        &bench.audio(&[b"\x90Opus", &unhex(OPUS_HEAD)]).expect("Opus"),
        TrackId::AUDIO,
        Codec::Opus
    ));
    assert_eq!(bench.audio(&[b"\x94Opus\x01\x01\x00\x00\x00\x04"]), Ok(vec![]), "channel map");
    assert_eq!(
        bench.audio(&[b"\x91Opus\xfc\x01"]),
        Ok(vec![frame(TrackId::AUDIO, 0, true, &[0xfc, 1])])
    );
    assert_eq!(bench.audio(&[b"\x92Opus"]), Ok(vec![]), "end of sequence");
    let mut bench = Bench::default();
    assert!(is_config(
        &bench.audio(&[b"\x90mp4a", &unhex("1190")]).expect("mp4a"),
        TrackId::AUDIO,
        Codec::Aac
    ));
    assert_eq!(bench.audio(&[b"\x91mp4a\x21"]), Ok(vec![frame(TrackId::AUDIO, 0, true, &[0x21])]));
}

#[test]
fn mp3_describes_itself_and_may_come_several_frames_at_once() {
    // 64 kbit/s at 44.1 kHz, mono: 208 bytes without padding.
    let mut one = vec![0xff, 0xfb, 0x50, 0xc4];
    one.resize(208, 0);
    for head in [&b"\x2e"[..], b"\x91.mp3"] {
        let mut bench = Bench::default();
        let tags = bench.audio(&[head, &one, &one]).expect("two frames");
        assert!(is_config(&tags[..1], TrackId::AUDIO, Codec::Mp3));
        assert_eq!(
            tags[1..],
            [frame(TrackId::AUDIO, 0, true, &one), frame(TrackId::AUDIO, 0, true, &one)]
        );
    }
}

#[test]
fn metadata_and_commands_are_not_frames() {
    let mut bench = Bench::default();
    assert_eq!(bench.video(&[b"\xd4hvc1\x02\x00\x09colorInfo"]), Ok(vec![]));
    assert_eq!(bench.video(&[b"\x94av01\x02\x00\x09colorInfo"]), Ok(vec![]));
    assert_eq!(bench.video(&[&[0xd1, 0]]), Ok(vec![]), "enhanced command frame");
}

#[test]
fn mod_ex_is_skipped_in_both_sizes() {
    let mut bench = Bench::default();
    bench.video(&[b"\x90avc1", &unhex(AVCC)]).expect("config");
    let nano = [&[0x97, 2][..], &[1, 2, 3], &[0x03]].concat();
    assert_eq!(bench.video(&[&nano, b"avc1", IDR]), Ok(vec![frame(TrackId::VIDEO, 0, true, IDR)]));
    let long = [&[0x97, 255, 0x01, 0x2b][..], &[0; 300], &[0x17], &[0, 9], &[0x03]].concat();
    assert_eq!(bench.video(&[&long, b"avc1", IDR]), Ok(vec![frame(TrackId::VIDEO, 0, true, IDR)]));
    assert!(bench.video(&[&[0x97, 255, 0xff, 0xff]]).is_err());
}

#[test]
fn multitrack_messages_of_all_three_forms_are_taken_apart() {
    let record = unhex(AVCC);
    let mut bench = Bench::default();
    // OBS: track 0 in the legacy form, track 1 as OneTrack.
    let one = bench.video(&[b"\x96\x00avc1\x01", &record]).expect("OneTrack");
    assert!(is_config(&one, V1, Codec::Avc));
    let size = [0, 0, u8::try_from(record.len()).expect("short")];
    let many = bench.video(&[b"\x96\x10avc1", &[0], &size, &record, &[1], &size, &record]);
    assert!(is_config(&many.expect("ManyTracks"), TrackId::VIDEO, Codec::Avc), "track 1 is known");
    let av1 = unhex(AV1C);
    let av1_size = [0, 0, u8::try_from(av1.len()).expect("short")];
    let codecs = [b"\x96\x20avc1\x00", &size[..], &record, b"av01\x02", &av1_size, &av1];
    let tags = bench.video(&codecs).expect("ManyTracksManyCodecs");
    assert!(is_config(&tags, TrackId { kind: TrackKind::Video, index: 2 }, Codec::Av1));
    let frames = bench.video(&[b"\x96\x13avc1\x00\x00\x00\x06", IDR, b"\x01\x00\x00\x06", IDR]);
    assert_eq!(frames, Ok(vec![frame(TrackId::VIDEO, 0, true, IDR), frame(V1, 0, true, IDR)]));
    let sound = bench.audio(&[b"\x95\x00mp4a\x01", &unhex("1190")]).expect("audio track 1");
    assert!(is_config(&sound, TrackId { kind: TrackKind::Audio, index: 1 }, Codec::Aac));
}

#[test]
fn tracks_beyond_the_bound_are_ignored_and_counted() {
    let mut bench = Bench::default();
    assert_eq!(bench.video(&[b"\x96\x00avc1\x08", &unhex(AVCC)]), Ok(vec![]));
    assert_eq!(bench.video(&[b"\x96\x00avc1\xff", &unhex(AVCC)]), Ok(vec![]));
    assert_eq!(bench.demuxer.ignored_packets(), 2);
}

#[test]
fn frames_before_their_configuration_are_left_out_and_counted() {
    let mut bench = Bench::default();
    assert_eq!(bench.video(&[&[0x17, 1, 0, 0, 0], IDR]), Ok(vec![]));
    assert_eq!(bench.audio(&[&[0xaf, 1, 9]]), Ok(vec![]));
    assert_eq!(bench.demuxer.unconfigured_frames(), 2);
}

#[test]
fn a_key_tag_needs_an_idr_picture_or_a_recovery_point() {
    let mut bench = Bench::default();
    bench.video(&[&[0x17, 0, 0, 0, 0], &unhex(AVCC)]).expect("config");
    let head = [0x17, 1, 0, 0, 0];
    assert_eq!(bench.video(&[&head, SLICE]), Ok(vec![frame(TrackId::VIDEO, 0, false, SLICE)]));
    let recovery = [&[0, 0, 0, 7, 6, 1, 1, 0xaa, 6, 1, 0x80][..], SLICE].concat();
    assert_eq!(
        bench.video(&[&head, &recovery]),
        Ok(vec![frame(TrackId::VIDEO, 0, true, &recovery)])
    );
    // What a tag calls dependent stays so.
    let claimed = bench.video(&[&[0x27, 1, 0, 0, 0], IDR]);
    assert_eq!(claimed, Ok(vec![frame(TrackId::VIDEO, 0, false, IDR)]));
}

#[test]
fn what_follows_the_last_whole_nal_unit_is_cut_off() {
    let mut bench = Bench::default();
    bench.video(&[&[0x17, 0, 0, 0, 0], &unhex(AVCC)]).expect("config");
    let torn = bench.video(&[&[0x17, 1, 0, 0, 0], IDR, &[0, 0, 1, 0, 9]]);
    assert_eq!(torn, Ok(vec![frame(TrackId::VIDEO, 0, true, IDR)]));
    assert!(bench.video(&[&[0x17, 1, 0, 0, 0], &[0, 0, 0, 9, 0x65]]).is_err());
}

#[test]
fn hevc_parameter_sets_known_from_the_record_are_left_out_without_a_copy() {
    let mut bench = Bench::default();
    let record = unhex(HVCC);
    bench.video(&[b"\x90hvc1", &record]).expect("config");
    let mut sets = vec![0, 0, 0, 3, 35 << 1, 1, 0x50];
    for nal in crate::codec::hevc::parameter_sets(&record) {
        sets.extend(u32::try_from(nal.len()).expect("short").to_be_bytes());
        sets.extend(nal);
    }
    let picture = [0, 0, 0, 3, 0x26, 1, 0xaf];
    let whole = body(&[b"\x91hvc1\x00\x00\x00", &sets, &picture]);
    bench.demuxer.video(40, whole.clone(), &mut bench.tags).expect("frame");
    let [Tag::Frame { payload, .. }] = &bench.tags[..] else { panic!("one frame") };
    assert_eq!(payload[..], picture);
    assert_eq!(payload.as_ptr(), whole[whole.len() - picture.len()..].as_ptr());
    // Unknown ones are needed by the decoder.
    let unknown = [&[0, 0, 0, 3, 33 << 1, 1, 0x77][..], &picture].concat();
    bench.tags.clear();
    let kept = bench.video(&[b"\x91hvc1\x00\x00\x00", &unknown]);
    assert_eq!(kept, Ok(vec![frame(TrackId::VIDEO, 0, true, &unknown)]));
}

#[test]
fn an_av1_configuration_without_picture_size_waits_for_the_key_frame() {
    let mut bench = Bench::default();
    assert_eq!(bench.video(&[b"\x90av01\x81\x04\x4c\x00"]), Ok(vec![]));
    let unit = unhex("0a0c0200002566355ef805f080803201aa");
    assert_eq!(bench.video(&[b"\xa1av01\x32\x01\xaa"]), Ok(vec![]), "not a key frame");
    let tags = bench.video(&[b"\x91av01", &unit]).expect("key frame");
    assert!(is_config(&tags[..1], TrackId::VIDEO, Codec::Av1));
    assert_eq!(tags[1..], [frame(TrackId::VIDEO, 0, true, &unit)]);
    assert_eq!(bench.video(&[b"\x90av01\x81\x04\x4c\x00"]), Ok(vec![]), "repeated");
    assert_eq!(bench.video(&[b"\x91av01", &unit]).map(|tags| tags.len()), Ok(1));
}

#[test]
fn codecs_that_are_not_carried_are_refused_by_name() {
    let mut bench = Bench::default();
    let video: [(&[u8], &str); 6] = [
        (b"\x90vp09", "VP9"),
        (b"\x12\x00", "Sorenson H.263"),
        (b"\x13\x00", "Screen video"),
        (b"\x14\x00", "On2 VP6"),
        (b"\x90zz\x00\n", "video \"zz\\x00\\n\""),
        (b"\x19\x00", "video number 9"),
    ];
    for (message, name) in video {
        let refused = Err(FlvError::UnsupportedCodec { codec: name.to_owned() });
        assert_eq!(bench.video(&[message]), refused);
    }
    let audio: [(&[u8], &str); 8] = [
        (b"\x90fLaC", "FLAC"),
        (b"\x90ac-3", "AC-3 (Dolby Digital)"),
        (b"\x90ec-3", "E-AC-3 (Dolby Digital Plus)"),
        (b"\xb2\x00", "Speex"),
        (b"\x62\x00", "Nellymoser"),
        (b"\x72\x00", "G.711 A-law"),
        (b"\x3f\x00", "PCM"),
        (b"\x10\x00", "ADPCM"),
    ];
    for (message, name) in audio {
        let refused = Err(FlvError::UnsupportedCodec { codec: name.to_owned() });
        assert_eq!(bench.audio(&[message]), refused);
    }
}

#[test]
fn empty_and_truncated_bodies_are_errors() {
    let mut bench = Bench::default();
    for message in [&b""[..], b"\x17", b"\x17\x01\x00\x00", b"\x90av", b"\x97\x05\x00", b"\x96"] {
        assert!(matches!(bench.video(&[message]), Err(FlvError::Malformed { .. })), "{message:x?}");
    }
    for message in
        [&b""[..], b"\xaf", b"\xaf\x00\x12", b"\x90Op", b"\x95\x10mp4a\x00\x00\x00\x09\x11"]
    {
        assert!(matches!(bench.audio(&[message]), Err(FlvError::Malformed { .. })), "{message:x?}");
    }
}

proptest! {
    #[test]
    fn arbitrary_messages_never_panic_and_make_few_tags(
        bodies in prop::collection::vec(
            (any::<bool>(), prop::sample::select(vec![0x17u8, 0x90, 0x91, 0x93, 0x96, 0x97, 0xaf, 0x2e, 0xd4]),
             prop::sample::select(vec![&b""[..], b"avc1", b"hvc1", b"av01", b"Opus", b"\x10avc1", b"\x20"]),
             prop::collection::vec(any::<u8>(), 0..200)), 1..20),
    ) {
        let mut demuxer = Demuxer::default();
        demuxer.video(0, body(&[b"\x90hvc1", &unhex(HVCC)]), &mut Vec::new()).expect("config");
        demuxer.video(0, body(&[b"\x96\x00av01\x01", &unhex(AV1C)]), &mut Vec::new()).expect("config");
        for (is_video, first, code, rest) in bodies {
            let message = body(&[&[first], code, &rest]);
            let (len, mut out) = (message.len(), Vec::new());
            let _ = if is_video { demuxer.video(1, message, &mut out) } else { demuxer.audio(1, message, &mut out) };
            let bytes: usize = out.iter().map(|tag| if let Tag::Frame { payload, .. } = tag { payload.len() } else { 0 }).sum();
            prop_assert!(bytes <= len && out.len() <= 2 * len);
        }
    }

}
