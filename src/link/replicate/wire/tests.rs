//! Records survive any cutting, and no damage.

use proptest::prelude::*;

use super::*;

fn init() -> Init {
    let config = CodecConfig {
        codec: Codec::Avc,
        record: Bytes::from_static(&[1, 2, 3]),
        rfc6381: "avc1.64001f".into(),
        timescale: 90_000,
        video: Some(VideoParams { width: 640, height: 360, sar: (1, 1) }),
        audio: Some(AudioParams { sample_rate: 48_000, channels: 2, frame_samples: 1024 }),
    };
    let data = Bytes::from_static(b"section");
    Init { track: TrackId::VIDEO, config: Arc::new(config), hash: "aa".into(), data }
}

fn part(number: u64, data: Vec<u8>) -> Part {
    Part { number, msn: 7, duration_us: 200_000, independent: number == 3, data: data.into() }
}

fn written(parts: &[Part]) -> (Vec<u8>, Vec<Record>) {
    let end = SegmentEnd { msn: 7, duration_us: 2_000_000, gap: false };
    let mut bytes = init_record(&init()).to_vec();
    let mut records = vec![Record::Init(Arc::new(init()))];
    for part in parts {
        bytes.extend_from_slice(&part_record(part));
        bytes.extend_from_slice(&part.data);
        records.push(Record::Part(part.clone()));
    }
    bytes.extend_from_slice(&end_record(&end));
    records.push(Record::End(end));
    (bytes, records)
}

fn read(bytes: &[u8], cuts: &[usize]) -> Result<Vec<Record>, BadRecord> {
    let (mut decoder, mut records, mut from) = (Decoder::new(TrackId::VIDEO, 7), Vec::new(), 0);
    for cut in cuts.iter().copied().chain([bytes.len()]) {
        let until = cut.clamp(from, bytes.len());
        decoder.buffer().extend_from_slice(&bytes[from..until]);
        from = until;
        while let Some(record) = decoder.next()? {
            records.push(record);
        }
    }
    Ok(records)
}

proptest! {
    #[test]
    fn what_was_written_is_read_however_it_is_cut(
        datas in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..6),
        mut cuts in prop::collection::vec(0_usize..2000, 0..20),
    ) {
        cuts.sort_unstable();
        let parts: Vec<Part> = (3..).zip(datas).map(|(number, data)| part(number, data)).collect();
        let (bytes, records) = written(&parts);
        prop_assert_eq!(read(&bytes, &cuts), Ok(records));
    }

    #[test]
    fn no_bytes_make_it_panic_or_hoard(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&bytes, &[]);
    }

    #[test]
    fn a_flipped_bit_of_media_is_found(at in 0_usize..200, bit in 0_u8..8) {
        let parts = [part(3, vec![7; 200])];
        let (mut bytes, records) = written(&parts);
        let from = init_record(&init()).len() + 22;
        bytes[from + at] ^= 1 << bit;
        prop_assert_eq!(read(&bytes, &[]), Err(BadRecord::Checksum));
        prop_assert_eq!(records.len(), 3);
    }
}

#[test]
fn a_record_that_claims_too_much_is_refused_before_it_came() {
    let mut bytes = vec![PART, 0];
    bytes.extend_from_slice(&[0; 8 + 4 + 4]);
    bytes.extend_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(read(&bytes, &[]), Err(BadRecord::Long(u32::MAX)));
    assert_eq!(read(&[9], &[]), Err(BadRecord::Kind(9)));
}
