//! The segment numbers of a stream, which must never go back, not even after a power cut: only numbers that were
//! reserved durably are used. They are reserved in blocks, the next one long before the last is used up; when
//! that fails for all the time, the show ends instead. Who reserves and when to look is the stream's affair.

/// Numbers reserved at once: more than two hours of 2 s segments per durable write.
pub const BLOCK: u64 = 4096;

/// A new block is asked for when fewer than this are left. Down to [`KEPT`] that bridges more than an hour
/// of a failing disk.
const RENEW_BELOW: u64 = 3072;

/// Numbers that are never used: more than one step of the packager can begin segments (512 waiting frames
/// and a hole of 30 s at the most), so that a check before each step is enough.
const KEPT: u64 = 1024;

/// What a stream has of its newest block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// Number of the segment that begins next.
    pub next: u64,
    /// The first number that is not durably reserved.
    pub end: u64,
}

impl Numbers {
    /// The end of the block from `first` on.
    #[must_use]
    pub const fn end_of_block(first: u64) -> u64 {
        first.saturating_add(BLOCK)
    }

    /// Whether the packager may take a step, which can begin segments.
    #[must_use]
    pub const fn may_begin(self) -> bool {
        self.next.saturating_add(KEPT) <= self.end
    }

    /// Whether it is time to ask for the next block.
    #[must_use]
    pub const fn wants_more(self) -> bool {
        self.end.saturating_sub(self.next) < RENEW_BELOW
    }

    /// Numbers that can be used before the show has to end.
    #[must_use]
    pub const fn usable(self) -> u64 {
        self.end.saturating_sub(self.next).saturating_sub(KEPT)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(next: u64) -> Numbers {
        Numbers { next, end: Numbers::end_of_block(100) }
    }

    #[test]
    fn a_new_block_is_enough() {
        let new = numbers(100);
        assert_eq!((new.may_begin(), new.wants_more(), new.usable()), (true, false, 3072));
    }

    #[test]
    fn the_next_block_is_asked_for_while_more_than_an_hour_is_left() {
        let first = (100..).map(numbers).find(|one| one.wants_more()).unwrap();
        assert!(first.may_begin());
        let segment_secs = 2;
        assert!(first.usable() * segment_secs > 3600, "{first:?}");
    }

    #[test]
    fn the_last_numbers_are_kept_for_the_step_that_was_allowed() {
        let last = (100..).map(numbers).take_while(|one| one.may_begin()).last().unwrap();
        assert_eq!((last.usable(), last.end - last.next), (0, 1024));
    }

    proptest! {
        #[test]
        fn whoever_may_not_begin_has_asked_and_has_none_left(end: u64, left in 0..2 * BLOCK) {
            let one = Numbers { next: end.saturating_sub(left), end };
            prop_assert!(one.may_begin() || one.wants_more());
            prop_assert!(one.may_begin() || one.usable() == 0);
        }
    }
}
