//! What one track holds back.

use bytes::Bytes;
use weir_model::Timestamp;

use super::*;

const V: TrackId = TrackId::VIDEO;
const PARTS: u64 = 10;

#[test]
fn what_waits_is_bounded_in_bytes_and_the_oldest_goes_first() {
    const WAITING: u64 = 15;
    let data = Bytes::from(vec![0; PENDING_BYTES_MAX / WAITING as usize]);
    let head = |msn: u64| SegmentHead {
        track: V,
        mark: Mark { msn, pdt: Timestamp(0), discontinuity: false, dsn_before: 0 },
        before: msn.checked_sub(1),
        first_part: Some(msn * PARTS),
        init: None,
        whole: false,
    };
    let part = |number: u64| Part {
        number,
        msn: number / PARTS,
        duration_us: 200_000,
        independent: true,
        data: data.clone(),
    };
    let (mut line, mut out) = (Line::default(), Out::default());
    for msn in 1..=WAITING {
        line.begin(&head(msn), 0, 0, &mut out.tally).unwrap();
        assert!(line.part(part(msn * PARTS), &mut out.tally).is_ok());
    }
    assert_eq!(out.tally.dropped, 0);
    line.begin(&head(WAITING + 1), 0, 0, &mut out.tally).unwrap();
    assert!(line.part(part((WAITING + 1) * PARTS), &mut out.tally).is_ok());
    assert_eq!(out.tally.dropped, 1);
    assert_eq!(line.begin(&head(1), 0, 0, &mut out.tally), Err(Unwanted), "it is not begun again");
    assert_eq!(line.part(part(2 * PARTS + 1), &mut out.tally), Err(Unwanted), "no older one left");
    assert_eq!(out.tally.dropped, 2);
    line.start_at(1);
    line.advance(V, 0, 4_000, false, &mut out);
    assert!(
        matches!(out.steps[0], Step::Start(V, mark, _) if mark.msn == 3),
        "nobody waits for it"
    );
    for number in 3 * PARTS + 1..4 * PARTS {
        assert!(line.part(part(number), &mut out.tally).is_ok(), "what is in order does not wait");
        line.advance(V, 0, 4_000, false, &mut out);
    }
    assert_eq!(out.tally.dropped, 2);
}
