//! The price of time.

use crate::Amount;

/// How started time counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Mode {
    /// Time is billed to the granule, rounded down: never more than was delivered.
    ProRata {
        /// Milliseconds: 1,000, 6,000 or 60,000.
        granule_ms: u64,
    },
    /// Each started minute is billed whole.
    StartedMinutes,
}

/// What a session costs; frozen when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Tariff {
    /// Of 60 seconds.
    pub rate: Amount,
    /// How started time counts.
    pub mode: Mode,
    /// Owed when the viewer ends a session that both sides were in.
    pub min_seconds: u32,
    /// Not billed, once for each viewer and session.
    pub free_ms: u64,
}

/// Numbers that make no tariff.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTariff {
    /// Only these are agreed with clients.
    #[error("time is billed by 1, 6 or 60 seconds, not by {0} ms")]
    Granule(u64),
    /// More than an amount holds within the longest session.
    #[error("the rate is too high: a session of {hours} hours would cost more than an amount can say", hours = LONGEST_MS / 3_600_000)]
    Rate,
    /// A minimum that is longer than the longest session.
    #[error("the minimum or the free time is longer than a session may be")]
    Long,
}

const MINUTE_MS: u64 = 60_000;

/// No session is longer: a day.
pub const LONGEST_MS: u64 = 24 * 3_600_000;

impl Tariff {
    /// Says whether the numbers are a tariff.
    ///
    /// # Errors
    /// When they are none.
    pub fn check(&self) -> Result<(), InvalidTariff> {
        if let Mode::ProRata { granule_ms } = self.mode
            && ![1_000, 6_000, MINUTE_MS].contains(&granule_ms)
        {
            return Err(InvalidTariff::Granule(granule_ms));
        }
        if u64::from(self.min_seconds) * 1_000 > LONGEST_MS || self.free_ms > LONGEST_MS {
            return Err(InvalidTariff::Long);
        }
        let most = u128::from(self.rate.units()) * u128::from(LONGEST_MS / MINUTE_MS);
        (most <= u128::from(Amount::MAX.units())).then_some(()).ok_or(InvalidTariff::Rate)
    }

    /// What `delivered_ms` of time cost in all. It never falls while time grows, and the charge of a stretch of time is
    /// the difference of two of these, so it does not matter how time comes in pieces.
    #[must_use]
    pub fn billed(&self, delivered_ms: u64) -> u64 {
        let time = delivered_ms.min(LONGEST_MS).saturating_sub(self.free_ms);
        match self.mode {
            Mode::ProRata { granule_ms } => {
                let granule_ms = granule_ms.max(1);
                self.pro_rata(time / granule_ms * granule_ms)
            }
            Mode::StartedMinutes => self.pro_rata(time.div_ceil(MINUTE_MS) * MINUTE_MS),
        }
    }

    /// The same when the viewer ended the session and the minimum is owed.
    #[must_use]
    pub fn billed_to_viewer(&self, delivered_ms: u64) -> u64 {
        self.billed(delivered_ms).max(self.minimum())
    }

    /// What is owed at least when the viewer ends it.
    #[must_use]
    pub fn minimum(&self) -> u64 {
        self.pro_rata(u64::from(self.min_seconds) * 1_000)
    }

    /// How much longer `left` units last beyond `delivered_ms`, in milliseconds: the time at which the bill would be
    /// larger than what is billed already and `left` together.
    #[must_use]
    pub fn lasts_ms(&self, delivered_ms: u64, left: u64) -> u64 {
        let covered = self.billed(delivered_ms).saturating_add(left);
        // Time is billed in whole steps; the first whose price is more than what is covered is one too many.
        let (step_ms, is_begun) = match self.mode {
            Mode::ProRata { granule_ms } => (granule_ms.max(1), 0),
            Mode::StartedMinutes => (MINUTE_MS, 1),
        };
        let beyond = (u128::from(covered) + 1) * u128::from(MINUTE_MS);
        let of_step = (u128::from(self.rate.units()) * u128::from(step_ms)).max(1);
        let steps = u64::try_from(beyond.div_ceil(of_step)).unwrap_or(u64::MAX);
        // A step is billed when it is over, or as soon as it has begun.
        let too_late = steps.saturating_sub(is_begun).saturating_mul(step_ms);
        let too_late = too_late.saturating_add(is_begun).saturating_add(self.free_ms);
        let last_ms = too_late.saturating_sub(1).min(LONGEST_MS);
        last_ms.saturating_sub(delivered_ms)
    }

    /// What that much time costs when nothing of it is free.
    #[must_use]
    pub fn costs(&self, time_ms: u64) -> u64 {
        Self { free_ms: 0, ..*self }.billed(time_ms)
    }

    /// The earliest time at which `units` are billed, milliseconds.
    #[must_use]
    pub fn reached_ms(&self, units: u64) -> u64 {
        let (mut early, mut late) = (0, LONGEST_MS);
        while early < late {
            let middle = early.midpoint(late);
            if self.billed(middle) < units { early = middle + 1 } else { late = middle }
        }
        early
    }

    fn pro_rata(&self, time_ms: u64) -> u64 {
        let units = u128::from(self.rate.units()) * u128::from(time_ms) / u128::from(MINUTE_MS);
        // `check` keeps the longest session within an amount.
        u64::try_from(units).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tariff(rate: u64, mode: Mode) -> Tariff {
        Tariff { rate: rate.try_into().unwrap(), mode, min_seconds: 0, free_ms: 0 }
    }

    const SECONDS: Mode = Mode::ProRata { granule_ms: 1_000 };

    #[test]
    fn time_is_billed_by_whole_granules_and_rounded_down() {
        let by_second = tariff(299, SECONDS);
        assert_eq!([999, 1_000, 59_999, 60_000].map(|ms| by_second.billed(ms)), [0, 4, 294, 299]);
        let by_six = tariff(299, Mode::ProRata { granule_ms: 6_000 });
        assert_eq!([5_999, 6_000, 11_999].map(|ms| by_six.billed(ms)), [0, 29, 29]);
    }

    #[test]
    fn a_started_minute_is_billed_whole_in_that_mode() {
        let minutes = tariff(299, Mode::StartedMinutes);
        assert_eq!([0, 1, 60_000, 60_001].map(|ms| minutes.billed(ms)), [0, 299, 299, 598]);
    }

    #[test]
    fn free_time_comes_off_once_and_the_minimum_is_owed_by_a_viewer_who_ends() {
        let tariff = Tariff { min_seconds: 60, free_ms: 10_000, ..tariff(600, SECONDS) };
        assert_eq!([9_000, 10_000, 11_000].map(|ms| tariff.billed(ms)), [0, 0, 10]);
        assert_eq!(tariff.billed_to_viewer(11_000), 600);
        assert_eq!(tariff.billed_to_viewer(130_000), 1_200);
    }

    #[test]
    fn what_is_left_lasts_until_the_bill_is_larger() {
        let by_second = tariff(60, SECONDS);
        assert_eq!(by_second.lasts_ms(0, 60), 60_999, "the 61st second is billed when it is over");
        assert_eq!(by_second.lasts_ms(60_000, 0), 999);
        let minutes = tariff(60, Mode::StartedMinutes);
        assert_eq!(minutes.lasts_ms(0, 60), 60_000);
        assert_eq!(minutes.lasts_ms(60_000, 59), 0, "the next minute begins at once");
    }

    #[test]
    fn numbers_that_are_no_tariff_are_refused() {
        let fine = tariff(600, SECONDS);
        assert_eq!(fine.check(), Ok(()));
        let granule = Tariff { mode: Mode::ProRata { granule_ms: 0 }, ..fine };
        assert_eq!(granule.check(), Err(InvalidTariff::Granule(0)));
        assert_eq!(Tariff { rate: Amount::MAX, ..fine }.check(), Err(InvalidTariff::Rate));
        assert_eq!(Tariff { min_seconds: 86_401, ..fine }.check(), Err(InvalidTariff::Long));
    }

    proptest! {
        #[test]
        fn what_is_left_lasts_to_the_last_millisecond_that_it_covers(
            (rate, mode, free_ms) in (1_u64..1_000_000, modes(), 0_u64..20_000),
            delivered_ms in 0..=LONGEST_MS,
            left in prop_oneof![0_u64..100, 0_u64..1 << 40, Just(u64::MAX)],
        ) {
            let tariff = Tariff { free_ms, ..tariff(rate, mode) };
            let covered = tariff.billed(delivered_ms).saturating_add(left);
            let last = delivered_ms + tariff.lasts_ms(delivered_ms, left);
            prop_assert!(last <= LONGEST_MS && tariff.billed(last) <= covered);
            prop_assert!(last == LONGEST_MS || tariff.billed(last + 1) > covered);
        }
    }

    fn modes() -> impl Strategy<Value = Mode> {
        let granules = prop::sample::select(vec![1_000_u64, 6_000, 60_000]);
        prop_oneof![
            granules.prop_map(|granule_ms| Mode::ProRata { granule_ms }),
            Just(Mode::StartedMinutes)
        ]
    }

    /// What a stretch of time costs, from when to when.
    type Biller = fn(&Tariff, u64, u64) -> u64;

    fn by_the_whole(tariff: &Tariff, from: u64, to: u64) -> u64 {
        tariff.billed(to) - tariff.billed(from)
    }

    /// A tariff, and how time comes in pieces.
    fn sliced() -> impl Strategy<Value = (Tariff, Vec<u64>)> {
        let ticks = prop::collection::vec(1_u64..20_000, 1..200);
        let parts = (1_u64..1_000_000, modes(), 0_u64..20_000, ticks);
        parts.prop_map(|(rate, mode, free_ms, ticks)| {
            (Tariff { free_ms, ..tariff(rate, mode) }, ticks)
        })
    }

    /// INV-11: the sum of the pieces is the bill of the whole, and nobody pays for more than was delivered.
    fn bills_the_whole(biller: Biller, (tariff, ticks): &(Tariff, Vec<u64>)) -> Result<(), String> {
        let (mut time, mut charged) = (0, 0);
        for tick in ticks {
            charged += biller(tariff, time, time + tick);
            time += tick;
        }
        let whole = tariff.billed(time);
        if charged != whole {
            return Err(format!("{charged} in {} pieces and {whole} at once", ticks.len()));
        }
        let exact =
            u128::from(tariff.rate.units()) * u128::from(time.saturating_sub(tariff.free_ms));
        match tariff.mode {
            Mode::ProRata { .. } if u128::from(charged) * 60_000 > exact => {
                Err(format!("{charged} is more than was delivered"))
            }
            _ => Ok(()),
        }
    }

    /// Whoever rounds each tick, down or up, loses what the whole has or takes what it has not.
    #[test]
    fn mutant_rounding_each_tick_is_found() {
        let cases = crate::tests::drawn(&sliced(), 64);
        let wrong = |biller: Biller| {
            cases.iter().filter(|case| bills_the_whole(biller, case).is_err()).count()
        };
        assert_eq!(wrong(by_the_whole), 0);
        let down: Biller = |tariff, from, to| tariff.rate.units() * (to - from) / MINUTE_MS;
        let up: Biller = |tariff, from, to| (tariff.rate.units() * (to - from)).div_ceil(MINUTE_MS);
        let granules: Biller = |tariff, from, to| tariff.costs(to - from);
        for (name, biller) in [("down", down), ("up", up), ("by granules", granules)] {
            assert!(wrong(biller) > cases.len() / 2, "{name}: {} are found", wrong(biller));
        }
    }

    proptest! {
        #[test]
        fn inv_11_the_bill_does_not_depend_on_the_ticks(case in sliced()) {
            prop_assert_eq!(bills_the_whole(by_the_whole, &case), Ok(()));
        }

        /// INV-30.
        #[test]
        fn inv_30_no_rate_and_no_time_makes_a_bill_that_wraps(
            rate in prop_oneof![1..=Amount::MAX.units(), 1_u64..1_000, Just(Amount::MAX.units())],
            mode in modes(),
            free_ms: u64,
            min_seconds: u32,
            times in prop::array::uniform2(prop_oneof![any::<u64>(), Just(u64::MAX), 0..=LONGEST_MS]),
        ) {
            let tariff = Tariff { free_ms, min_seconds, ..tariff(rate, mode) };
            let [early, late] = if times[0] <= times[1] { times } else { [times[1], times[0]] };
            let bills = [early, late].map(|time| tariff.billed(time));
            prop_assert!(bills[0] <= bills[1], "a bill never falls: {bills:?}");
            prop_assert!(tariff.billed_to_viewer(late) >= bills[1]);
            prop_assert!(tariff.reached_ms(rate) <= LONGEST_MS);
            prop_assert!(early.checked_add(tariff.lasts_ms(early, late)).is_some());
            if tariff.check().is_ok() {
                prop_assert!(tariff.billed_to_viewer(u64::MAX) <= Amount::MAX.units());
            }
        }

        #[test]
        fn what_is_left_lasts_exactly_that_long(rate in 1_u64..10_000, mode in modes(), from in 0_u64..600_000, left in 0_u64..50_000) {
            let tariff = tariff(rate, mode);
            let until = from + tariff.lasts_ms(from, left);
            prop_assert!(tariff.billed(until) <= tariff.billed(from) + left);
            prop_assert!(until == LONGEST_MS || tariff.billed(until + 1) > tariff.billed(from) + left);
        }
    }
}
