//! A packager that goes on with another one's show: its renditions go on, whatever the next publisher sends.

use std::sync::Arc;

use super::support::*;
use crate::fmp4;
use crate::output::{Init, Output};
use crate::packager::live::Live;
use crate::{Item, TrackId};

const SECOND: i64 = 1_000_000;
/// Where the show ended, on its line and on the clock here.
const LEFT_US: i64 = 60 * SECOND;
const NOW_US: i64 = 500 * SECOND;

fn inits() -> Vec<Arc<Init>> {
    vec![Arc::new(fmp4::init(V0, &avc(1))), Arc::new(fmp4::init(A0, &aac(48_000, 1024)))]
}

fn live() -> Live {
    let live = Live::new(CONFIG, FIRST_MSN, FIRST_PART).with_part_target(200_000);
    live.with_renditions(inits(), LEFT_US, NOW_US)
}

/// Numbers of the segments of a rendition, and whether each is a gap.
fn ends(out: &[Output], track: TrackId) -> Vec<(u64, bool)> {
    let end = |output: &Output| match output {
        Output::End(of, end) if *of == track => Some((end.msn, end.gap)),
        _ => None,
    };
    out.iter().filter_map(end).collect()
}

#[test]
fn a_rendition_that_the_next_publisher_does_not_send_has_gaps() {
    let (mut live, mut out) = (live(), Vec::new());
    let from_ms = LEFT_US / 1000 + 800;
    let frames = pictures(V0, &clock_ms(from_ms, 300, 30, 1), 60, 0);
    for item in stream(&[(V0, avc(1), frames)]) {
        let now_us = match &item {
            Item::Frame(frame) => {
                let us = frame.dts * 1_000_000 / i64::from(avc(1).timescale);
                NOW_US + us - LEFT_US
            }
            _ => NOW_US,
        };
        live.take(item, now_us, &mut out);
    }
    live.close(NOW_US + 11 * SECOND, &mut out);
    let (seen, heard) = (ends(&out, V0), ends(&out, A0));
    assert!(seen.len() >= 4 && seen.iter().all(|end| !end.1), "{seen:?}");
    assert_eq!(heard, seen.iter().map(|end| (end.0, true)).collect::<Vec<_>>());
    assert_eq!(seen[0].0, FIRST_MSN);
}

#[test]
fn a_publisher_that_sends_nothing_does_not_keep_the_show_from_going_on() {
    let (mut live, mut out) = (live(), Vec::new());
    for _ in 0..4 {
        let due_us = live.due_us().unwrap();
        assert!(live.declare(due_us, &mut out));
    }
    let (seen, heard) = (ends(&out, V0), ends(&out, A0));
    assert!(seen.len() >= 3 && seen.iter().all(|end| end.1), "{seen:?}");
    assert_eq!(seen, heard);
    let Some(Output::Start(_, first)) = out.first() else { panic!("{out:?}") };
    assert_eq!(first.start_us, LEFT_US, "right behind what is there");
    assert!(live.is_stalled());
}

#[test]
fn a_publisher_with_another_configuration_replaces_what_was_left() {
    let (mut live, mut out) = (live(), Vec::new());
    let from_ms = LEFT_US / 1000 + 800;
    let frames = pictures(V0, &clock_ms(from_ms, 90, 30, 1), 60, 0);
    for item in stream(&[(V0, avc(2), frames)]) {
        live.take(item, NOW_US + SECOND, &mut out);
    }
    live.close(NOW_US + 4 * SECOND, &mut out);
    let Some(Output::Start(_, first)) = out.iter().find(|one| matches!(one, Output::Start(V0, _)))
    else {
        panic!("{out:?}")
    };
    let init = first.init.as_ref().unwrap();
    assert_eq!(init.config, avc(2));
    assert_ne!(init.hash, inits()[0].hash);
}
