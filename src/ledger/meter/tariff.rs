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
        // The bill never falls, so the last moment that is covered is found by halving.
        let (mut good, mut bad) = (delivered_ms, LONGEST_MS + 1);
        while bad.saturating_sub(good) > 1 {
            let middle = good.midpoint(bad);
            if self.billed(middle) <= covered { good = middle } else { bad = middle }
        }
        good.saturating_sub(delivered_ms)
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

    fn modes() -> impl Strategy<Value = Mode> {
        let granules = prop::sample::select(vec![1_000_u64, 6_000, 60_000]);
        prop_oneof![
            granules.prop_map(|granule_ms| Mode::ProRata { granule_ms }),
            Just(Mode::StartedMinutes)
        ]
    }

    proptest! {
        /// INV-11: the sum of the ticks is the bill, however time is cut.
        #[test]
        fn inv_11_the_bill_does_not_depend_on_the_ticks(
            rate in 1_u64..1_000_000,
            mode in modes(),
            free_ms in 0_u64..20_000,
            ticks in prop::collection::vec(1_u64..20_000, 1..200),
        ) {
            let tariff = Tariff { free_ms, ..tariff(rate, mode) };
            let (mut time, mut charged) = (0, 0);
            for tick in ticks {
                charged += tariff.billed(time + tick) - tariff.billed(time);
                time += tick;
            }
            prop_assert_eq!(charged, tariff.billed(time));
            let exact = u128::from(rate) * u128::from(time.saturating_sub(free_ms));
            if let Mode::ProRata { .. } = mode {
                prop_assert!(u128::from(charged) * 60_000 <= exact, "never more than was delivered");
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
