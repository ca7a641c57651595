//! The chunk layer against RTMP 1.0 §5.3 and against whatever else may come.

use proptest::prelude::*;

use super::super::message::kind::{AUDIO, COMMAND_AMF0, VIDEO};
use super::super::testing::{basic, chunked, full, u24};
use super::*;

fn message(kind: u8, timestamp: u32, body: &[u8]) -> Message {
    Message { kind, stream: 1, timestamp, body: Bytes::copy_from_slice(body) }
}

/// Feeds `bytes` in pieces of `piece`, as a socket would, and gives all messages.
fn read(dechunker: &mut Dechunker, bytes: &[u8], piece: usize) -> Result<Vec<Message>, ChunkError> {
    let (mut waiting, mut out) = (Vec::new(), Vec::new());
    for piece in bytes.chunks(piece.max(1)) {
        waiting.extend_from_slice(piece);
        let mut rest: &[u8] = &waiting;
        while let Some(message) = dechunker.next(&mut rest)? {
            out.push(message);
        }
        waiting = rest.to_vec();
        assert!(waiting.len() <= HEADER_BYTES_MAX);
    }
    Ok(out)
}

fn read_all(bytes: &[u8]) -> Result<Vec<Message>, ChunkError> {
    let mut dechunker = Dechunker::new();
    dechunker.allow_media();
    let whole = read(&mut dechunker, bytes, bytes.len())?;
    let mut dechunker = Dechunker::new();
    dechunker.allow_media();
    assert_eq!(read(&mut dechunker, bytes, 1)?, whole, "byte by byte must give the same");
    Ok(whole)
}

#[test]
fn basic_headers_of_one_two_and_three_bytes_are_read() {
    for csid in [2, 3, 63, 64, 65, 319, 320, 1000, 65_599] {
        let bytes = [full(csid, 5, AUDIO, 1, b"ab"), basic(3, csid), b"cd".to_vec()].concat();
        let expected = [message(AUDIO, 5, b"ab"), message(AUDIO, 10, b"cd")];
        assert_eq!(read_all(&bytes).unwrap(), expected, "chunk stream {csid}");
    }
}

#[test]
fn a_stranger_cannot_fill_the_memory_with_unfinished_commands() {
    let unfinished = |csid: u32| {
        let whole = message(COMMAND_AMF0, 0, &vec![0; COMMAND_BYTES_MAX]);
        chunked(&whole, csid, CHUNK_SIZE_DEFAULT)[..12 + CHUNK_SIZE_DEFAULT].to_vec()
    };
    let (mut stranger, mut publisher) = (Dechunker::new(), Dechunker::new());
    publisher.allow_media();
    for dechunker in [&mut stranger, &mut publisher] {
        assert_eq!(read(dechunker, &unfinished(3), 64), Ok(Vec::new()));
    }
    assert_eq!(read(&mut stranger, &unfinished(4), 64), Err(ChunkError::AssemblyFull));
    assert_eq!(read(&mut publisher, &unfinished(4), 64), Ok(Vec::new()));
}

#[test]
fn headers_of_types_1_2_and_3_continue_what_came_before() {
    let mut bytes = full(4, 1000, AUDIO, 1, b"a");
    bytes.extend(
        [basic(1, 4), u24(20).to_vec(), u24(2).to_vec(), vec![VIDEO], b"bb".to_vec()].concat(),
    );
    bytes.extend([basic(2, 4), u24(30).to_vec(), b"cc".to_vec()].concat());
    bytes.extend([basic(3, 4), b"dd".to_vec()].concat());
    let expected = [
        message(AUDIO, 1000, b"a"),
        message(VIDEO, 1020, b"bb"),
        message(VIDEO, 1050, b"cc"),
        message(VIDEO, 1080, b"dd"),
    ];
    assert_eq!(read_all(&bytes).unwrap(), expected);
}

#[test]
fn a_short_header_on_an_unknown_chunk_stream_is_an_error() {
    for format in [1, 2, 3] {
        let bytes = [basic(format, 9), vec![0; 20]].concat();
        assert_eq!(read_all(&bytes), Err(ChunkError::NoEarlierHeader(9)));
    }
}

#[test]
fn messages_interleaved_on_several_chunk_streams_reassemble() {
    let video = message(VIDEO, 40, &[7; 300]);
    let audio = message(AUDIO, 41, &[9; 100]);
    let (video_bytes, audio_bytes) = (chunked(&video, 6, 128), chunked(&audio, 4, 128));
    let first_chunk = 12 + 128;
    let bytes = [&video_bytes[..first_chunk], &audio_bytes, &video_bytes[first_chunk..]].concat();
    assert_eq!(read_all(&bytes).unwrap(), [audio, video]);
}

#[test]
fn the_chunk_size_may_change_at_any_time_and_the_top_bit_is_ignored() {
    let set = |size: u32| full(2, 0, 1, 0, &size.to_be_bytes());
    let body = vec![3; 5000];
    let frame = message(VIDEO, 0, &body);
    for (size, used) in [(4096, 4096), (128, 128), (1, 1), (0x8000_0400, 1024)] {
        let bytes = [set(size), chunked(&frame, 6, used)].concat();
        assert_eq!(read_all(&bytes).unwrap(), std::slice::from_ref(&frame), "size {size}");
    }
    let huge =
        [set(0x7FFF_FFFF), chunked(&frame, 6, usize::MAX), set(128), chunked(&frame, 6, 128)];
    assert_eq!(read_all(&huge.concat()).unwrap(), [frame.clone(), frame]);
    assert_eq!(read_all(&set(0)), Err(ChunkError::Control("Set Chunk Size")));
    assert_eq!(read_all(&full(2, 0, 1, 0, &[1])), Err(ChunkError::Control("Set Chunk Size")));
}

#[test]
fn an_aborted_message_is_dropped_and_its_chunk_stream_goes_on() {
    let lost = chunked(&message(VIDEO, 0, &[1; 200]), 6, 128);
    let kept = message(VIDEO, 7, b"kept");
    let bytes =
        [&lost[..12 + 128], &full(2, 0, 2, 0, &6_u32.to_be_bytes()), &chunked(&kept, 6, 128)];
    assert_eq!(read_all(&bytes.concat()).unwrap(), [kept]);
    assert_eq!(read_all(&full(2, 0, 2, 0, &99_u32.to_be_bytes())).unwrap(), []);
    assert_eq!(read_all(&full(2, 0, 2, 0, b"x")), Err(ChunkError::Control("Abort")));
}

#[test]
fn extended_timestamps_are_read_whether_or_not_type_3_repeats_them() {
    for at in [0x00FF_FFFF, 0x0100_0000, 0xFFFF_FFF0] {
        let frame = message(VIDEO, at, &[0xAB; 400]);
        let next = message(VIDEO, 1, b"next");
        let repeated = [chunked(&frame, 6, 128), chunked(&next, 6, 128)].concat();
        assert_eq!(read_all(&repeated).unwrap(), [frame.clone(), next.clone()]);
        let mut omitted = full(6, at, VIDEO, 1, &frame.body);
        for start in [16 + 3 * 128, 16 + 2 * 128, 16 + 128] {
            omitted.splice(start..start, basic(3, 6));
        }
        omitted.extend(chunked(&next, 6, 128));
        assert_eq!(read_all(&omitted).unwrap(), [frame, next]);
    }
}

#[test]
fn an_omitted_extended_timestamp_never_holds_back_a_short_rest() {
    let mut dechunker = Dechunker::new();
    dechunker.allow_media();
    let mut bytes = full(6, 0x0123_4567, VIDEO, 1, &[0xAB; 130]);
    bytes.splice(16 + 128..16 + 128, basic(3, 6));
    let messages = read(&mut dechunker, &bytes, 1).unwrap();
    assert_eq!(messages, [message(VIDEO, 0x0123_4567, &[0xAB; 130])]);
}

#[test]
fn an_extended_delta_moves_the_time_and_may_be_repeated_as_delta_or_as_time() {
    for repeated in [0x0100_0000_u32, 0x0100_0005] {
        let mut bytes = full(6, 5, VIDEO, 1, b"a");
        bytes.extend(
            [basic(1, 6), u24(0x00FF_FFFF).to_vec(), u24(130).to_vec(), vec![VIDEO]].concat(),
        );
        bytes.extend(0x0100_0000_u32.to_be_bytes());
        bytes.extend([1; 128]);
        bytes.extend([basic(3, 6), repeated.to_be_bytes().to_vec(), vec![1; 2]].concat());
        let messages = read_all(&bytes).unwrap();
        assert_eq!(messages[1], message(VIDEO, 0x0100_0005, &[1; 130]), "{repeated:#x}");
    }
}

#[test]
fn time_wraps_at_32_bits() {
    let mut bytes = full(6, 0xFFFF_FFF0, VIDEO, 1, b"a");
    bytes.extend([basic(2, 6), u24(0x20).to_vec(), b"b".to_vec()].concat());
    let times: Vec<u32> = read_all(&bytes).unwrap().iter().map(|one| one.timestamp).collect();
    assert_eq!(times, [0xFFFF_FFF0, 0x10]);
}

#[test]
fn a_header_inside_a_message_is_an_error() {
    let begun = &chunked(&message(VIDEO, 0, &[1; 200]), 6, 128)[..12 + 128];
    let bytes = [begun, &full(6, 0, VIDEO, 1, b"x")].concat();
    assert_eq!(read_all(&bytes), Err(ChunkError::MessageInsideMessage(6)));
}

#[test]
fn messages_above_their_limit_are_refused_by_their_header() {
    let header = |kind, length| {
        [basic(0, 6), u24(0).to_vec(), u24(length).to_vec(), vec![kind, 1, 0, 0, 0]].concat()
    };
    let over = |bytes: &[u8], media: bool| {
        let mut dechunker = Dechunker::new();
        if media {
            dechunker.allow_media();
        }
        matches!(read(&mut dechunker, bytes, 64), Err(ChunkError::MessageTooLong { .. }))
    };
    let command = u32::try_from(COMMAND_BYTES_MAX).unwrap();
    let media = u32::try_from(MEDIA_BYTES_MAX).unwrap();
    assert!(!over(&header(COMMAND_AMF0, command), true));
    assert!(over(&header(COMMAND_AMF0, command + 1), true));
    assert!(!over(&header(VIDEO, media), true));
    assert!(over(&header(VIDEO, media + 1), true));
    assert!(over(&header(VIDEO, command + 1), false), "nobody was let in yet");
}

#[test]
fn unfinished_messages_and_chunk_streams_are_bounded() {
    let mut dechunker = Dechunker::new();
    dechunker.allow_media();
    let mut refused = None;
    for csid in 3..20 {
        let begun =
            [basic(0, csid), u24(0).to_vec(), u24(4 << 20).to_vec(), vec![VIDEO, 1, 0, 0, 0]];
        refused = refused.or_else(|| read(&mut dechunker, &begun.concat(), 99).err());
        // The first chunk must be whole before another chunk stream has its turn.
        refused = refused.or_else(|| read(&mut dechunker, &[0; 128], 99).err());
        assert!(dechunker.held() <= ASSEMBLY_BYTES_MAX);
    }
    assert_eq!(refused, Some(ChunkError::AssemblyFull));
    let streams = (100..200).map(|csid| full(csid, 0, AUDIO, 1, b"x")).collect::<Vec<_>>().concat();
    assert_eq!(read_all(&streams), Err(ChunkError::TooManyStreams));
}

#[test]
fn an_empty_message_is_a_message() {
    assert_eq!(read_all(&full(4, 3, AUDIO, 1, b"")).unwrap(), [message(AUDIO, 3, b"")]);
}

proptest! {
    #[test]
    fn any_messages_in_any_chunk_size_and_pieces_come_out_as_they_went_in(
        bodies in prop::collection::vec((0_u32..4, prop::collection::vec(any::<u8>(), 0..700)), 1..20),
        size in 1_usize..600,
        piece in 1_usize..900,
        start in prop::sample::select(vec![0_u32, 0x00FF_FFF0, 0xFFFF_FF00]),
    ) {
        let mut bytes = full(2, 0, 1, 0, &u32::try_from(size).unwrap().to_be_bytes());
        let mut expected = Vec::new();
        for (n, (csid, body)) in (0_u32..).zip(&bodies) {
            let frame = message(VIDEO, start.wrapping_add(n * 33), body);
            bytes.extend(chunked(&frame, 3 + csid * 70, size));
            expected.push(frame);
        }
        let mut dechunker = Dechunker::new();
        dechunker.allow_media();
        prop_assert_eq!(read(&mut dechunker, &bytes, piece).unwrap(), expected);
        prop_assert_eq!(dechunker.held(), 0);
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_memory_stays_bounded(
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
        media in any::<bool>(),
    ) {
        let mut dechunker = Dechunker::new();
        if media {
            dechunker.allow_media();
        }
        let _ = read(&mut dechunker, &bytes, 100);
        prop_assert!(dechunker.held() <= ASSEMBLY_BYTES_MAX);
    }
}
