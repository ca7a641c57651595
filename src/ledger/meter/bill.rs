//! The bill of one viewer in one private session, from the first reserved minute to the receipt.
//!
//! Whoever runs the session tells it what it sees: media, acknowledgements, the ledger's answers. [`Bill::tick`] says
//! what has to be done now. It never bills time that is not covered by reserved money, and it goes on without the
//! ledger for as long as what is reserved lasts.

use super::{Overlap, Tariff};
use crate::Amount;
use crate::flow::OPEN_BLOCKS_MAX;
use crate::request::LIFE_MS_MAX;
use crate::state::Session;

/// What is reserved at once: a minute, or the minimum when that is longer.
const BLOCK_MS: u64 = 60_000;
/// The next block is reserved when the ones before last no longer than this.
const EXTEND_MS: u64 = 30_000;
/// What a death of the session's node may cost the platform.
pub const CHECKPOINT_MS: u64 = 5_000;
/// Between two attempts to reserve, when the ledger refused or did not answer.
const RETRY_MS: u64 = 5_000;
/// An interruption that lasts longer ends the session. Nothing of it is billed.
pub const GRACE_MS: u64 = 15_000;
/// Time of silence of a viewer that each such time without makes good: whoever is silent for more than a fifth of the
/// time is gone, however the pieces lie.
const STEADY_FOR_SILENCE: u64 = 4;
/// What is reserved and not settled is the payer's again so long after what it covers: whoever goes on with a session
/// has it settled long before.
const SETTLED_WITHIN_MS: u64 = 30 * 60_000;
/// The viewer is warned when what is left lasts no longer than one of these.
pub const WARNINGS_S: [u32; 4] = [120, 60, 30, 10];

/// What was agreed with the viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Agreement {
    /// What time costs.
    pub tariff: Tariff,
    /// At most so much in all.
    pub cap: Amount,
}

/// What has to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Ask the ledger to reserve a block; the answer goes to [`Bill::reserved`] or [`Bill::refused`].
    Reserve {
        /// Which.
        block: u32,
        /// How much.
        amount: Amount,
        /// For how long, milliseconds.
        lives_ms: u64,
    },
    /// Ask the ledger to take from a block until so much of it is taken.
    Capture {
        /// Which.
        block: u32,
        /// Taken of it afterwards.
        total: u64,
    },
    /// The same, and give the rest free; with the last one, all that is reserved.
    Close {
        /// Which.
        block: u32,
        /// Taken of it afterwards.
        total: u64,
        /// Whether it is the last one.
        ends: bool,
    },
    /// Tell the viewer how long the money lasts, in seconds.
    Warn(u32),
    /// Time does not count now.
    Pause(Halt),
    /// Time counts again.
    Resume,
    /// The session is over for this viewer.
    End(Halt),
}

/// Why time does not count, or why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Halt {
    /// The viewer ended it.
    Viewer,
    /// The streamer ended it.
    Streamer,
    /// An operator ended it.
    Operator,
    /// The viewer's player is silent.
    ViewerGone,
    /// No media comes.
    StreamerGone,
    /// The viewer has nothing left to reserve.
    Balance,
    /// The ledger does not answer.
    Ledger,
    /// What was agreed at most is spent.
    Cap,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    number: u32,
    units: u64,
    /// What earlier blocks cover.
    base: u64,
    told: u64,
    open: bool,
}

/// See the module. Times are of one monotonic clock, in milliseconds.
#[derive(Debug, Clone)]
pub struct Bill {
    agreement: Agreement,
    overlap: Overlap,
    /// What blocks cover that are over.
    base: u64,
    /// How many blocks there ever were.
    count: u32,
    /// Blocks of this node's time, and what it found reserved when that began.
    blocks: Vec<Block>,
    /// What the payer could spend beside, when the ledger said so last.
    available: u64,
    asked_ms: Option<u64>,
    refused: bool,
    told_ms: u64,
    halted: Option<(Halt, u64)>,
    /// How long the viewer was silent, less what was made good since.
    silent_ms: u64,
    /// When that was counted last.
    watched_ms: Option<u64>,
    /// Warnings that were given since there was more.
    warned: usize,
    ended: bool,
}

impl Bill {
    /// Nothing is reserved and nothing delivered yet.
    #[must_use]
    pub const fn new(agreement: Agreement) -> Self {
        Self {
            agreement,
            overlap: Overlap::after(0),
            base: 0,
            count: 0,
            blocks: Vec::new(),
            available: 0,
            asked_ms: None,
            refused: false,
            told_ms: 0,
            halted: None,
            silent_ms: 0,
            watched_ms: None,
            warned: 0,
            ended: false,
        }
    }

    /// Goes on with a session whose node died: what the ledger has of it. Of the time since the last that was taken,
    /// nothing is billed.
    #[must_use]
    pub fn resume(agreement: Agreement, session: &Session) -> Self {
        let open: u64 = session.open.iter().map(|(.., taken)| taken).sum();
        let mut bill = Self::new(agreement);
        bill.overlap = Overlap::after(agreement.tariff.reached_ms(session.taken));
        (bill.base, bill.ended) = (session.taken.saturating_sub(open), session.is_over);
        for (number, units, taken) in &session.open {
            bill.count = *number;
            bill.add(*units);
            if let Some(last) = bill.blocks.last_mut() {
                last.told = *taken;
            }
        }
        bill.count = session.blocks;
        bill
    }

    /// Media of the streamer arrived.
    pub fn sent(&mut self, now_ms: u64) {
        if self.is_covered() {
            self.overlap.sent(now_ms);
        }
    }

    /// The viewer acknowledged that it plays.
    pub fn played(&mut self, now_ms: u64) {
        if self.is_covered() {
            self.overlap.played(now_ms);
        }
    }

    /// The ledger reserved the next block; `available` is what the payer can spend beside it. What comes too late for
    /// this session has to be given back.
    #[must_use]
    pub fn reserved(&mut self, block: u32, units: u64, available: u128) -> Option<Act> {
        self.knows(available);
        if self.ended {
            return Some(Act::Close { block, total: 0, ends: true });
        }
        if block == self.count.saturating_add(1) {
            self.count = block;
            self.add(units);
            (self.asked_ms, self.refused) = (None, false);
        }
        None
    }

    /// The ledger refused the next block for want of money.
    pub fn refused(&mut self, available: u128) {
        self.knows(available);
        self.refused = true;
    }

    /// What the payer can spend, by another answer of the ledger.
    pub fn knows(&mut self, available: u128) {
        self.available = u64::try_from(available).unwrap_or(u64::MAX);
    }

    /// Units billed so far: what delivered time costs, and never more than is reserved.
    #[must_use]
    pub fn billed(&self) -> u64 {
        self.agreement.tariff.billed(self.overlap.counted_ms()).min(self.held())
    }

    /// Milliseconds that both sides had.
    #[must_use]
    pub const fn delivered_ms(&self) -> u64 {
        self.overlap.counted_ms()
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.ended
    }

    /// What has to be done now. Called a few times a second.
    pub fn tick(&mut self, now_ms: u64) -> Vec<Act> {
        let mut acts = Vec::new();
        if self.ended {
            return acts;
        }
        if self.has_begun() {
            self.watch(now_ms, &mut acts);
        }
        if !self.ended {
            self.close_used_up(&mut acts);
            self.extend(now_ms, &mut acts);
        }
        if !self.ended && self.has_begun() {
            self.warn(&mut acts);
            self.checkpoint(now_ms, &mut acts);
        }
        acts
    }

    /// Ends it; what was delivered is settled, and the minimum when the viewer wants the end.
    pub fn end(&mut self, why: Halt) -> Vec<Act> {
        let mut acts = Vec::new();
        if !std::mem::replace(&mut self.ended, true) {
            self.settle(why, &mut acts);
            acts.push(Act::End(why));
        }
        acts
    }

    /// A block was reserved at some time.
    const fn has_begun(&self) -> bool {
        self.count > 0
    }

    fn add(&mut self, units: u64) {
        let (number, base) = (self.count, self.held());
        self.blocks.push(Block { number, units, base, told: 0, open: true });
    }

    fn held(&self) -> u64 {
        self.blocks.last().map_or(self.base, |last| last.base.saturating_add(last.units))
    }

    /// How much longer what is reserved lasts.
    fn covered_ms(&self) -> u64 {
        let (tariff, counted) = (&self.agreement.tariff, self.overlap.counted_ms());
        if tariff.billed(counted) > self.held() {
            return 0;
        }
        tariff.lasts_ms(counted, self.held() - tariff.billed(counted))
    }

    fn is_covered(&self) -> bool {
        !self.ended && self.has_begun() && self.covered_ms() > 0
    }

    fn extend(&mut self, now_ms: u64, acts: &mut Vec<Act>) {
        let waits = self.asked_ms.is_some_and(|at| now_ms.saturating_sub(at) < RETRY_MS);
        let open = self.blocks.iter().filter(|block| block.open).count();
        // Before there is a block nothing is covered, however long nothing is billed.
        let lasts = self.has_begun() && self.covered_ms() > EXTEND_MS;
        if waits || open >= OPEN_BLOCKS_MAX || lasts {
            return;
        }
        let tariff = &self.agreement.tariff;
        let mut block = tariff.costs(BLOCK_MS);
        if !self.has_begun() {
            block = block.max(tariff.minimum());
        } else if self.refused && self.available > 0 {
            // The rest of what the payer has is used up as well.
            block = block.min(self.available);
        }
        let left = self.agreement.cap.units().saturating_sub(self.held());
        let Ok(amount) = Amount::try_from(block.max(1).min(left)) else { return };
        self.asked_ms = Some(now_ms);
        let block = self.count.saturating_add(1);
        acts.push(Act::Reserve { block, amount, lives_ms: self.lives_ms(amount) });
    }

    /// How long a block of that amount is reserved: until it is used up, and time to settle it.
    fn lives_ms(&self, amount: Amount) -> u64 {
        let (tariff, counted) = (&self.agreement.tariff, self.overlap.counted_ms());
        let left = (self.held() - self.billed()).saturating_add(amount.units());
        tariff.lasts_ms(counted, left).saturating_add(SETTLED_WITHIN_MS).min(LIFE_MS_MAX)
    }

    /// A block that is used up while there is a newer one is over.
    fn close_used_up(&mut self, acts: &mut Vec<Act>) {
        let (billed, newest) = (self.billed(), self.count);
        let older = self.blocks.iter_mut().filter(|block| block.open && block.number < newest);
        for block in older.filter(|block| billed.saturating_sub(block.base) >= block.units) {
            (block.open, block.told) = (false, block.units);
            acts.push(Act::Close { block: block.number, total: block.units, ends: false });
        }
    }

    /// Sees whether time counts, and ends what was interrupted for too long.
    fn watch(&mut self, now_ms: u64, acts: &mut Vec<Act>) {
        let why = self.why_halted(now_ms);
        self.count_silence(now_ms, why);
        match (why, self.halted) {
            (Some(Halt::ViewerGone), _) if self.silent_ms > GRACE_MS => {
                acts.extend(self.end(Halt::ViewerGone));
            }
            (None, Some(_)) => {
                self.halted = None;
                acts.push(Act::Resume);
            }
            (Some(Halt::Cap), _) => acts.extend(self.end(Halt::Cap)),
            (Some(why), None) => {
                self.halted = Some((why, now_ms));
                acts.push(Act::Pause(why));
            }
            (Some(why), Some((before, since)))
                if why != before && now_ms.saturating_sub(since) <= GRACE_MS =>
            {
                self.halted = Some((why, since));
                acts.push(Act::Pause(why));
            }
            (Some(why), Some((_, since))) if now_ms.saturating_sub(since) > GRACE_MS => {
                acts.extend(self.end(why));
            }
            _ => {}
        }
    }

    fn count_silence(&mut self, now_ms: u64, why: Option<Halt>) {
        let passed_ms = self.watched_ms.map_or(0, |before| now_ms.saturating_sub(before));
        self.watched_ms = Some(now_ms);
        self.silent_ms = match why {
            Some(Halt::ViewerGone) => self.silent_ms.saturating_add(passed_ms),
            None => self.silent_ms.saturating_sub(passed_ms / STEADY_FOR_SILENCE),
            Some(_) => self.silent_ms,
        };
    }

    fn why_halted(&mut self, now_ms: u64) -> Option<Halt> {
        if self.covered_ms() == 0 {
            // What comes next does not continue what was.
            self.overlap.interrupt();
            let spent = self.held() >= self.agreement.cap.units();
            return Some(match self.refused {
                _ if spent => Halt::Cap,
                true => Halt::Balance,
                false => Halt::Ledger,
            });
        }
        match (self.overlap.has_media(now_ms), self.overlap.is_played(now_ms)) {
            (true, true) => None,
            (false, _) => Some(Halt::StreamerGone),
            (true, false) => Some(Halt::ViewerGone),
        }
    }

    fn warn(&mut self, acts: &mut Vec<Act>) {
        let (tariff, counted) = (&self.agreement.tariff, self.overlap.counted_ms());
        let billed = self.billed();
        let money = (self.held() - billed).saturating_add(self.available);
        let money = money.min(self.agreement.cap.units().saturating_sub(billed));
        let left_s = tariff.lasts_ms(counted, money) / 1_000;
        let due = WARNINGS_S.iter().filter(|limit| left_s <= u64::from(**limit)).count();
        if due > self.warned {
            acts.push(Act::Warn(u32::try_from(left_s).unwrap_or(u32::MAX)));
        }
        self.warned = due;
    }

    /// Tells the ledger what was delivered since it was told last.
    fn checkpoint(&mut self, now_ms: u64, acts: &mut Vec<Act>) {
        if now_ms.saturating_sub(self.told_ms) < CHECKPOINT_MS {
            return;
        }
        self.told_ms = now_ms;
        let billed = self.billed();
        for block in self.blocks.iter_mut().filter(|block| block.open) {
            let total = billed.saturating_sub(block.base).min(block.units);
            if total > block.told {
                acts.push(Act::Capture { block: block.number, total });
                block.told = total;
            }
        }
    }

    fn settle(&mut self, why: Halt, acts: &mut Vec<Act>) {
        let (tariff, counted, held) =
            (&self.agreement.tariff, self.overlap.counted_ms(), self.held());
        let owed = match why {
            Halt::Viewer if counted > 0 => tariff.billed_to_viewer(counted),
            _ => tariff.billed(counted),
        };
        let (owed, newest) = (owed.min(held), self.count);
        let mut is_told = !self.has_begun();
        for block in self.blocks.iter_mut().filter(|block| block.open) {
            let total = owed.saturating_sub(block.base).min(block.units).max(block.told);
            (block.open, block.told) = (false, total);
            let ends = block.number == newest;
            is_told |= ends;
            acts.push(Act::Close { block: block.number, total, ends });
        }
        if !is_told {
            // Its last block was over before this node went on with it.
            acts.push(Act::Close { block: newest, total: 0, ends: true });
        }
    }
}
