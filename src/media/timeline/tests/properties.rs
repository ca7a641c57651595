//! What holds for any publisher at all.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Act {
    Config { track: TrackId, variant: u32 },
    Frame { track: TrackId, step_ms: i32, cts_ms: i32, key: bool },
}

fn track() -> impl Strategy<Value = TrackId> {
    let kind = prop_oneof![Just(TrackKind::Video), Just(TrackKind::Audio)];
    (kind, 0u8..2).prop_map(|(kind, index)| TrackId { kind, index })
}

fn act() -> impl Strategy<Value = Act> {
    let step = prop_oneof![
        20 => 0i32..60,
        4 => -600i32..4000,
        2 => any::<i32>(),
    ];
    let cts = prop_oneof![8 => -100i32..200, 1 => -8_388_608i32..8_388_607];
    prop_oneof![
        1 => (track(), 0u32..3).prop_map(|(track, variant)| Act::Config { track, variant }),
        24 => (track(), step, cts, any::<bool>())
            .prop_map(|(track, step_ms, cts_ms, key)| Act::Frame { track, step_ms, cts_ms, key }),
    ]
}

fn config(track: TrackId, variant: u32) -> CodecConfig {
    match track.kind {
        TrackKind::Video => video_config(640 + variant),
        TrackKind::Audio => audio_config([48_000, 44_100, 8000][variant as usize]),
    }
}

/// Frames that the statistics say were dropped.
fn dropped(stats: &TimelineStats) -> u64 {
    stats.without_config
        + stats.video_before_key
        + stats.audio_before_start
        + stats.unplaceable
        + stats.stragglers
        + stats.audio_overlap
        + stats.reconfigured
}

/// Every track's times rise and lie inside its configuration; answers the number of frames.
fn check(items: &[Item], start_us: i64) -> Result<u64, TestCaseError> {
    let mut tracks: BTreeMap<TrackId, (u32, Option<i64>)> = BTreeMap::new();
    let (mut frames, mut last_was_break) = (0, true);
    for item in items {
        match item {
            Item::Config(track, config) => {
                let entry = tracks.entry(*track).or_insert((config.timescale, None));
                let (old, new) = (i128::from(entry.0), i128::from(config.timescale));
                // Rounded up, so that strictly rising stays so in the new timescale.
                let rescale = |dts| i64::try_from(i128::from(dts) * new / old).expect("small");
                *entry = (config.timescale, entry.1.map(rescale));
            }
            Item::Discontinuity => {
                prop_assert!(!last_was_break, "a break needs something to break")
            }
            Item::Frame(frame) => {
                let (timescale, last) = tracks.get_mut(&frame.track).expect("announced");
                prop_assert!(last.is_none_or(|last| frame.dts > last), "dts rises: {frame:?}");
                prop_assert!(frame.pts >= frame.dts);
                let begin = ticks(start_us - audio::TRUNCATION_US, *timescale);
                prop_assert!(frame.dts >= begin, "the nearest tick of the start: {frame:?}");
                *last = Some(frame.dts);
                frames += 1;
            }
        }
        last_was_break = *item == Item::Discontinuity;
    }
    Ok(frames)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn any_publisher_gets_a_rising_line_and_every_frame_is_accounted_for(
        acts in prop::collection::vec(act(), 1..400),
        configured in prop::collection::vec(track(), 0..4),
        start_us in 0i64..1_000_000_000_000,
        begin_ms: u32,
    ) {
        let mut bench = Bench::new(start_us);
        for track in configured {
            bench.configure(track, config(track, 0));
        }
        let (mut now_ms, mut sent) = (begin_ms, 0u64);
        for act in acts {
            match act {
                Act::Config { track, variant } => bench.configure(track, config(track, variant)),
                Act::Frame { track, step_ms, cts_ms, key } => {
                    now_ms = now_ms.wrapping_add_signed(step_ms);
                    bench.frame(track, now_ms, cts_ms, key);
                    sent += 1;
                }
            }
            let held = bench.line.held.as_ref().map_or(0, VecDeque::len);
            prop_assert!(held <= HELD_FRAMES_MAX);
            prop_assert!(bench.line.tracks.iter().all(|track| track.suspects.len() < SUSPECTS_MAX));
        }
        bench.line.finish(&mut bench.items);
        let frames = check(&bench.items, start_us)?;
        prop_assert_eq!(frames + dropped(bench.line.stats()), sent);
    }
}
