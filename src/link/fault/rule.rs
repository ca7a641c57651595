//! What may go wrong with a datagram, and the dice that decide.

use std::time::Duration;

/// Faults of one direction. The default is a perfect network.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rule {
    /// Nothing passes.
    pub block: bool,
    /// Every datagram is this much later.
    pub delay: Duration,
    /// Plus something between nothing and this.
    pub jitter: Duration,
    /// Share that is lost, 0 to 1.
    pub loss: f64,
    /// Share that comes twice.
    pub duplicate: f64,
    /// Share that is overtaken by those behind it.
    pub reorder: f64,
    /// Share with one flipped bit.
    pub corrupt: f64,
    /// Bytes that pass in a second.
    pub bytes_per_second: Option<u64>,
}

impl Rule {
    /// Nothing passes.
    #[must_use]
    pub fn blocked() -> Self {
        Self { block: true, ..Self::default() }
    }

    /// Whether a datagram passes at once and unchanged.
    pub(super) fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

/// What the dice said about one datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) lost: bool,
    pub(super) copies: u8,
    pub(super) late: Duration,
    pub(super) flip: Option<u64>,
}

/// How far an overtaken datagram falls behind.
const OVERTAKEN_BY: Duration = Duration::from_millis(20);

/// SplitMix64: small, and the same on every machine for the same seed.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to just below 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Throws for one datagram; always the same number of throws, so that one rule does not shift another.
    pub(super) fn throw(&mut self, rule: &Rule) -> Fate {
        let (lost, twice) = (self.share() < rule.loss, self.share() < rule.duplicate);
        let (overtaken, corrupt) = (self.share() < rule.reorder, self.share() < rule.corrupt);
        let (jitter, flip) = (rule.jitter.mul_f64(self.share()), self.next());
        let behind = if overtaken { OVERTAKEN_BY } else { Duration::ZERO };
        Fate {
            lost: lost || rule.block,
            copies: if twice { 2 } else { 1 },
            late: rule.delay + jitter + behind,
            flip: corrupt.then_some(flip),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_fates() {
        let rule = Rule { loss: 0.3, duplicate: 0.2, corrupt: 0.1, ..Rule::default() };
        let fates = |seed| {
            let mut dice = Dice::new(seed);
            (0..200).map(|_| dice.throw(&rule)).collect::<Vec<_>>()
        };
        assert_eq!(fates(7), fates(7));
        assert_ne!(fates(7), fates(8));
    }

    #[test]
    fn shares_are_about_what_was_asked_for() {
        let rule = Rule { loss: 0.1, ..Rule::default() };
        let mut dice = Dice::new(1);
        let lost = (0..10_000).filter(|_| dice.throw(&rule).lost).count();
        assert!((900..1100).contains(&lost), "{lost}");
    }

    #[test]
    fn a_clean_rule_changes_nothing() {
        let fate = Dice::new(3).throw(&Rule::default());
        assert_eq!(fate, Fate { lost: false, copies: 1, late: Duration::ZERO, flip: None });
        assert!(Rule::default().is_clean() && !Rule::blocked().is_clean());
    }
}
