//! A packager in real time: the playlists of a show grow whether media comes or not.
//!
//! [`Packager`] goes by media time alone; [`Pace`] knows when the time itself has to be declared. Here they are
//! brought together, still without a clock: the caller says what time it is (microseconds of one monotonic
//! clock) and asks again at [`Live::due_us`].

use super::pace::Pace;
use super::{Packager, PackagerConfig};
use crate::Item;
use crate::output::Output;

/// The shows of one stream, one after the other.
#[derive(Debug)]
pub struct Live {
    config: PackagerConfig,
    packager: Packager,
    pace: Pace,
    /// The number that was next when [`Pace`] was told last.
    next_msn: u64,
}

impl Live {
    /// One whose first segment is `first_msn` and whose first part is `first_part` in every rendition.
    #[must_use]
    pub fn new(config: PackagerConfig, first_msn: u64, first_part: u64) -> Self {
        let packager = Packager::new(config, first_msn, first_part);
        Self { config, packager, pace: Pace::new(config), next_msn: first_msn }
    }

    /// What is packaged.
    #[must_use]
    pub const fn packager(&self) -> &Packager {
        &self.packager
    }

    /// A new show begins; its numbers follow those of the last one.
    pub fn begin_show(&mut self) {
        let (msn, part) = (self.packager.next_msn(), self.packager.next_part());
        *self = Self::new(self.config, msn, part);
    }

    /// Another publisher follows, whose times are places on the show's line from [`Packager::end_us`] on.
    pub const fn attach(&mut self) {
        self.packager.attach();
    }

    /// Takes what came at `now_us`. True when it ended a time that gaps were declared for: it then goes on
    /// behind them and a discontinuity.
    pub fn take(
        &mut self,
        items: impl IntoIterator<Item = Item>,
        now_us: i64,
        out: &mut Vec<Output>,
    ) -> bool {
        let mut resumed = false;
        for item in items {
            if matches!(item, Item::Frame(_))
                && let Some(rest_us) = self.pace.media(now_us)
            {
                let at_us = self.packager.end_us().saturating_add(rest_us);
                self.packager.resume(at_us, out);
                resumed = true;
            }
            self.packager.push(item, out);
        }
        self.note_segments(now_us);
        resumed
    }

    /// Keeps the playlists going without media, if that is due at `now_us`: true when it was.
    pub fn declare(&mut self, now_us: i64, out: &mut Vec<Output>) -> bool {
        let Some(gap_us) = self.pace.due(now_us) else { return false };
        self.packager.gap(gap_us, out);
        self.note_segments(now_us);
        true
    }

    /// The publisher is gone: closes what is open.
    pub fn close(&mut self, now_us: i64, out: &mut Vec<Output>) {
        let before = out.len();
        self.packager.close(out);
        if out.len() > before {
            self.pace.segment(now_us);
        }
        self.note_segments(now_us);
    }

    /// The show is over: nothing more is declared.
    pub const fn end(&mut self) {
        self.pace.stop();
    }

    /// When to call [`Self::declare`] if no media comes before; none while nothing has to be declared.
    #[must_use]
    pub fn due_us(&self) -> Option<i64> {
        self.pace.due_us()
    }

    fn note_segments(&mut self, now_us: i64) {
        let next_msn = self.packager.next_msn();
        if std::mem::replace(&mut self.next_msn, next_msn) != next_msn {
            self.pace.segment(now_us);
        }
    }
}
