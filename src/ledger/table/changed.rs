//! Which pages changed.

use std::sync::Arc;

/// Pages that changed since they were last asked for, in the order in which they did first.
#[derive(Debug, Clone, Default)]
pub(super) struct Changed {
    all: Vec<u32>,
    /// A bit for each page.
    is_in: Vec<u64>,
}

impl Changed {
    pub(super) fn note(&mut self, page: usize) {
        let (word, bit) = (page / 64, 1 << (page % 64));
        if self.is_in.len() <= word {
            self.is_in.resize(word + 1, 0);
        }
        if self.is_in[word] & bit == 0 {
            self.is_in[word] |= bit;
            // Four billion pages are more rows than any memory holds.
            self.all.extend(u32::try_from(page));
        }
    }

    /// Those pages as they are now; from here on none has changed.
    pub(super) fn take<P>(&mut self, pages: &[Arc<P>]) -> Vec<(u32, Arc<P>)> {
        let numbers = std::mem::take(self).all.into_iter();
        numbers.filter_map(|n| Some((n, Arc::clone(pages.get(n as usize)?)))).collect()
    }
}
