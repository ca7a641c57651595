//! Who gets what of a payment.
//!
//! All recipients but one get the rounded-down share of the *total* that was paid so far; the residual one gets the
//! rest. So what each of them has in the end depends on the total alone and not on how it came in pieces: a payment
//! in a thousand ticks is split like one in a single tick.

use std::sync::Arc;

use arrayvec::ArrayVec;
use weir_model::AccountId;

/// Shares are of this many.
pub const WHOLE_BPS: u32 = 10_000;

/// Recipients beside the residual one; with the payer's sources they fit one record.
pub const SHARES_MAX: usize = 8;

/// Who gets a share.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum Recipient {
    /// The platform's fees.
    Platform,
    /// A streamer or somebody who shares in the show.
    Creator(AccountId),
}

/// A share in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Share {
    /// Who gets it.
    pub to: Recipient,
    /// How much of [`WHOLE_BPS`].
    pub bps: u32,
}

/// How payments are split; frozen in each charge when it begins.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Parts")]
pub struct Split {
    /// Shared: every charge has a copy.
    #[serde(serialize_with = "as_list")]
    shares: Arc<[Share]>,
    residual: Recipient,
}

/// Shares that make no split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSplit {
    /// The residual recipient would owe.
    #[error("the shares are more than the whole: {0} of {WHOLE_BPS} hundredths of a percent")]
    TooMuch(u64),
    /// More than a record holds.
    #[error("{0} shares; at most {SHARES_MAX} beside the one who gets the rest")]
    TooMany(usize),
    /// Each recipient stands once.
    #[error("a recipient stands twice")]
    Twice,
}

#[derive(serde::Deserialize)]
struct Parts {
    shares: ArrayVec<Share, SHARES_MAX>,
    residual: Recipient,
}

impl Split {
    /// `shares` of each payment, and the rest to `residual`.
    ///
    /// # Errors
    /// When that is no split.
    pub fn new(shares: Vec<Share>, residual: Recipient) -> Result<Self, InvalidSplit> {
        Self::of_shares(&shares, residual)
    }

    fn of_shares(shares: &[Share], residual: Recipient) -> Result<Self, InvalidSplit> {
        if shares.len() > SHARES_MAX {
            return Err(InvalidSplit::TooMany(shares.len()));
        }
        let total: u64 = shares.iter().map(|share| u64::from(share.bps)).sum();
        if total > u64::from(WHOLE_BPS) {
            return Err(InvalidSplit::TooMuch(total));
        }
        let stands = |before: &[Share], to| before.iter().any(|share| share.to == to);
        let mut each = shares.iter().enumerate();
        if each.any(|(n, one)| one.to == residual || stands(&shares[..n], one.to)) {
            return Err(InvalidSplit::Twice);
        }
        Ok(Self { shares: shares.into(), residual })
    }

    /// Everything to one recipient.
    #[must_use]
    pub fn all_to(residual: Recipient) -> Self {
        Self { shares: Arc::new([]), residual }
    }

    /// The platform its part, in hundredths of a percent and rounded down, and `creator` the rest.
    ///
    /// # Errors
    /// When the part is more than the whole.
    pub fn less_fee(fee_bps: u32, creator: AccountId) -> Result<Self, InvalidSplit> {
        let fee = Share { to: Recipient::Platform, bps: fee_bps };
        let shares = if fee_bps == 0 { Vec::new() } else { vec![fee] };
        Self::new(shares, Recipient::Creator(creator))
    }

    /// Whether `who` gets anything.
    #[must_use]
    pub fn names(&self, who: Recipient) -> bool {
        self.residual == who || self.shares.iter().any(|share| share.to == who)
    }

    /// What each recipient has of `total` units, the residual one last.
    pub fn of(&self, total: u64) -> impl Iterator<Item = (Recipient, u64)> {
        let floors = move |share: &Share| (share.to, floor(total, share.bps));
        let given: u64 = self.shares.iter().map(floors).map(|(_, units)| units).sum();
        self.shares.iter().map(floors).chain([(self.residual, total - given)])
    }

    /// By how much each recipient's part changes when the total goes from `before` to `after` (both at most
    /// 2^63 − 1), the residual one's last. When several other shares step up at the same unit, the residual one's falls
    /// by less than their number although the total rises.
    pub fn between(&self, before: u64, after: u64) -> impl Iterator<Item = (Recipient, i64)> {
        let pairs = self.of(before).zip(self.of(after));
        pairs.map(|((to, before), (_, after))| (to, after.cast_signed() - before.cast_signed()))
    }
}

/// The rounded-down share; the product needs 77 bits.
fn floor(total: u64, bps: u32) -> u64 {
    let share = u128::from(total) * u128::from(bps) / u128::from(WHOLE_BPS);
    // Not more than `total`, because a share is not more than the whole.
    u64::try_from(share).unwrap_or(total)
}

impl TryFrom<Parts> for Split {
    type Error = InvalidSplit;

    fn try_from(parts: Parts) -> Result<Self, InvalidSplit> {
        Self::of_shares(&parts.shares, parts.residual)
    }
}

fn as_list<S: serde::Serializer>(shares: &[Share], to: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(shares, to)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CREATOR: Recipient = Recipient::Creator(AccountId(1));

    fn seventy_thirty() -> Split {
        Split::new(vec![Share { to: Recipient::Platform, bps: 3000 }], CREATOR).unwrap()
    }

    #[test]
    fn the_rest_is_the_creators() {
        let parts: Vec<_> = seventy_thirty().of(101).collect();
        assert_eq!(parts, [(Recipient::Platform, 30), (CREATOR, 71)]);
    }

    #[test]
    fn shares_that_make_no_split_are_refused() {
        let share = |to, bps| Share { to, bps };
        let [platform, creator] = [Recipient::Platform, CREATOR];
        let new = |shares: Vec<Share>| Split::new(shares, creator);
        assert_eq!(new(vec![share(platform, 10_001)]), Err(InvalidSplit::TooMuch(10_001)));
        assert_eq!(new(vec![share(creator, 1)]), Err(InvalidSplit::Twice));
        assert_eq!(new(vec![share(platform, 1), share(platform, 1)]), Err(InvalidSplit::Twice));
        let many = (2..11).map(|id| share(Recipient::Creator(AccountId(id)), 1)).collect();
        assert_eq!(new(many), Err(InvalidSplit::TooMany(9)));
        let bytes = stored(&seventy_thirty());
        assert_eq!(postcard::from_bytes::<Split>(&bytes), Ok(seventy_thirty()));
    }

    fn stored(split: &Split) -> Vec<u8> {
        postcard::to_allocvec(split).unwrap()
    }

    fn splits() -> impl Strategy<Value = Split> {
        prop::collection::vec(0_u32..=10_000, 0..=SHARES_MAX).prop_map(|weights| {
            let sum: u32 = weights.iter().sum::<u32>().max(1);
            // Scaled so that they fit the whole.
            let share = |(i, weight): (usize, u32)| Share {
                to: Recipient::Creator(AccountId(2 + i as u64)),
                bps: u32::try_from(u64::from(weight) * 10_000 / u64::from(sum.max(10_000)))
                    .unwrap(),
            };
            Split::new(weights.into_iter().enumerate().map(share).collect(), CREATOR).unwrap()
        })
    }

    /// By how much each part changes when the total goes from one to the other.
    type Sharing = fn(&Split, u64, u64) -> Vec<i64>;

    impl Split {
        fn changes(&self, before: u64, after: u64) -> Vec<i64> {
            self.between(before, after).map(|(_, change)| change).collect()
        }
    }

    /// A split, and how a total comes in pieces.
    fn in_pieces() -> impl Strategy<Value = (Split, Vec<u64>)> {
        (splits(), prop::collection::vec(1_u64..100_000, 1..40))
    }

    fn splits_the_whole(share: Sharing, (split, pieces): &(Split, Vec<u64>)) -> bool {
        let (mut had, mut total) = (vec![0; split.shares.len() + 1], 0);
        for piece in pieces {
            let changes = share(split, total, total + piece);
            had.iter_mut().zip(changes).for_each(|(have, change): (&mut i64, _)| *have += change);
            total += piece;
        }
        had == split.changes(0, total)
    }

    /// Whoever splits each piece by itself gives the fractions of all pieces to one of them.
    #[test]
    fn mutant_splitting_each_piece_is_found() {
        let cases = crate::tests::drawn(&in_pieces(), 64);
        let wrong = |share| cases.iter().filter(|case| !splits_the_whole(share, case)).count();
        assert_eq!(wrong(Split::changes), 0);
        let each: Sharing = |split, before, after| split.changes(0, after - before);
        assert!(wrong(each) > cases.len() / 2, "{} are found", wrong(each));
    }

    proptest! {
        /// INV-14.
        #[test]
        fn inv_14_shares_sum_to_the_whole_and_lose_less_than_a_unit(
            split in splits(),
            total in 0..=(i64::MAX as u64),
        ) {
            let parts: Vec<(Recipient, u64)> = split.of(total).collect();
            prop_assert_eq!(parts.iter().map(|(_, units)| u128::from(*units)).sum::<u128>(), u128::from(total));
            let others = split.shares.len() as u128;
            let whole = u128::from(WHOLE_BPS);
            let mut given = 0_u128;
            for (share, (_, units)) in split.shares.iter().zip(&parts) {
                let (exact, units) = (u128::from(total) * u128::from(share.bps), u128::from(*units) * whole);
                prop_assert!(units <= exact && exact - units < whole);
                prop_assert!(share.bps > 0 || units == 0);
                given += u128::from(share.bps);
            }
            let (residual, exact) = (u128::from(parts[others as usize].1) * whole, u128::from(total) * (whole - given));
            prop_assert!(residual >= exact && (others == 0 || residual - exact < others * whole));
        }

        #[test]
        fn inv_14_a_total_in_pieces_is_split_like_a_total_at_once(case in in_pieces()) {
            prop_assert!(splits_the_whole(Split::changes, &case));
        }

        #[test]
        fn inv_14_no_share_but_the_residual_ones_falls_while_the_total_rises(
            split in splits(),
            total in 0_u64..1_000_000,
            more in 1_u64..1_000,
        ) {
            let changes: Vec<i64> = split.between(total, total + more).map(|(_, change)| change).collect();
            let (residual, others) = changes.split_last().unwrap();
            prop_assert!(others.iter().all(|change| *change >= 0));
            prop_assert!(*residual > -(others.len().max(1) as i64));
        }
    }
}
