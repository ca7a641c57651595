//! When a provider is told of a payout, again if need be.

use weir_ledger::row::{At, Telling, Told};

/// Attempts for one payout; the later ones come by the hour, so that this is a week.
pub const TRIES_MAX: u32 = 180;
/// The longest wait between two attempts.
pub const WAIT_MS_MAX: u64 = 3_600_000;
/// An attempt takes no longer, whatever became of whoever made it.
pub const ATTEMPT_MS_MAX: u64 = 25_000;
/// Providers forget which keys they have seen after a day: from then on one is asked before it is told.
pub const LOOK_UP_AFTER_MS: u64 = 24 * 3_600_000;
/// The wait after the first attempt; it doubles with every further one.
const WAIT_MS_MIN: u64 = 1_000;

/// What is to be done about a payout that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The provider has it.
    Nothing,
    /// Nothing before then.
    Wait(At),
    /// Nothing ever: staff ends it when they know what became of it.
    GiveUp,
    /// It is told for that time.
    Tell {
        /// Which, counted from 1.
        nth: u32,
        /// Whether the provider is asked first if it knows of it.
        look_up: bool,
    },
}

/// What is to be done at `now` about a payout of which its provider was `told` so far.
#[must_use]
pub fn next(told: Option<&Told>, now: At) -> Step {
    let Some(told) = told else { return Step::Tell { nth: 1, look_up: false } };
    let wait_ms = match &told.state {
        Telling::Sent => return Step::Nothing,
        // Whoever made it may have died.
        Telling::Tried => ATTEMPT_MS_MAX,
        Telling::Failed(_) => wait_ms(told.tries),
    };
    if told.tries >= TRIES_MAX {
        return Step::GiveUp;
    }
    let due = told.last.plus_ms(wait_ms);
    if now < due {
        return Step::Wait(due);
    }
    let look_up = now >= told.first.plus_ms(LOOK_UP_AFTER_MS);
    Step::Tell { nth: told.tries.saturating_add(1), look_up }
}

fn wait_ms(tries: u32) -> u64 {
    let doubled = 1_u64.checked_shl(tries.saturating_sub(1)).unwrap_or(u64::MAX);
    WAIT_MS_MIN.saturating_mul(doubled).min(WAIT_MS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: At = At(1_700_000_000_000_000);

    fn told(tries: u32, last: At, state: Telling) -> Told {
        Told { tries, first: FIRST, last, state }
    }

    fn failed(tries: u32, last: At) -> Told {
        told(tries, last, Telling::Failed("no answer".into()))
    }

    #[test]
    fn what_was_never_told_is_told_at_once_and_what_arrived_never_again() {
        assert_eq!(next(None, FIRST), Step::Tell { nth: 1, look_up: false });
        let sent = told(3, FIRST, Telling::Sent);
        assert_eq!(next(Some(&sent), FIRST.plus_ms(1 << 40)), Step::Nothing);
    }

    #[test]
    fn what_failed_is_told_again_ever_later() {
        for (tries, wait_ms) in
            [(1, 1_000), (2, 2_000), (12, 2_048_000), (13, WAIT_MS_MAX), (99, WAIT_MS_MAX)]
        {
            let told = failed(tries, FIRST);
            let due = FIRST.plus_ms(wait_ms);
            assert_eq!(next(Some(&told), At(due.0 - 1)), Step::Wait(due));
            assert_eq!(next(Some(&told), due), Step::Tell { nth: tries + 1, look_up: false });
        }
        assert_eq!(next(Some(&failed(TRIES_MAX, FIRST)), FIRST.plus_ms(1 << 40)), Step::GiveUp);
    }

    #[test]
    fn an_attempt_of_which_nobody_knows_is_waited_for() {
        let told = told(1, FIRST, Telling::Tried);
        let due = FIRST.plus_ms(ATTEMPT_MS_MAX);
        assert_eq!(next(Some(&told), FIRST), Step::Wait(due));
        assert_eq!(next(Some(&told), due), Step::Tell { nth: 2, look_up: false });
    }

    #[test]
    fn after_a_day_the_provider_is_asked_before_it_is_told() {
        let day = FIRST.plus_ms(LOOK_UP_AFTER_MS);
        let told = failed(30, FIRST);
        assert_eq!(next(Some(&told), At(day.0 - 1)), Step::Tell { nth: 31, look_up: false });
        assert_eq!(next(Some(&told), day), Step::Tell { nth: 31, look_up: true });
    }
}
