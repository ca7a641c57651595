//! Numbers that are the same for the same seed everywhere.

/// SplitMix64.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The sequence of `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// 32 bits.
    pub(crate) fn number(&mut self) -> u32 {
        (self.next() >> 32) as u32
    }

    /// A byte, often one of those that mean something to a parser.
    pub(crate) fn byte(&mut self) -> u8 {
        const SPECIAL: [u8; 12] = [0, 1, 2, 3, 5, 7, 9, 0x0F, 0x7F, 0x80, 0xFE, 0xFF];
        let bits = self.next();
        if bits & 1 == 0 { SPECIAL[(bits >> 8) as usize % 12] } else { (bits >> 8) as u8 }
    }

    /// Below `limit`, or 0 when that is 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit.max(1)
    }

    /// One of `all`.
    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
