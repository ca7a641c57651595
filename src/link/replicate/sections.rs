//! Sections that the other end of a subscription has, so that each goes over the link once.
//!
//! A publisher may change back and forth between a few; one that changes on and on must fill neither end. So both
//! forget the oldest, and the source the earlier one: what is on its way is not acknowledged yet, and streams overtake
//! each other. When it believes all the same that the other end has what that one forgot, the segment lacks its
//! section and is asked for again, and with such a one its section always goes.

use std::sync::Arc;

use weir_media::Init;

use super::SECTIONS_MAX;

/// Sections of one track that the source believes to be at the other end.
pub(in crate::link) const KNOWN_MAX: usize = SECTIONS_MAX / 2;

/// The newest sections of one track, at most `MOST`, newest last.
#[derive(Debug, Default)]
pub(in crate::link) struct Sections<const MOST: usize>(Vec<Arc<Init>>);

impl<const MOST: usize> Sections<MOST> {
    /// The section of that hash.
    pub(in crate::link) fn find(&self, hash: &str) -> Option<&Arc<Init>> {
        self.0.iter().find(|known| known.hash == hash)
    }

    /// Remembers one that came, or came again, in the place of the oldest.
    pub(in crate::link) fn add(&mut self, init: Arc<Init>) {
        self.0.retain(|known| known.hash != init.hash);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(init);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use weir_media::{Codec, CodecConfig, TrackId};

    use super::*;

    fn section(number: usize) -> Arc<Init> {
        let config = CodecConfig {
            codec: Codec::Avc,
            record: Bytes::new(),
            rfc6381: "avc1.64001f".into(),
            timescale: 90_000,
            video: None,
            audio: None,
        };
        let (config, hash) = (Arc::new(config), number.to_string());
        Arc::new(Init { track: TrackId::VIDEO, config, hash, data: Bytes::new() })
    }

    #[test]
    fn the_oldest_section_is_forgotten_and_one_that_comes_again_is_the_newest() {
        let mut sections = Sections::<SECTIONS_MAX>::default();
        for number in 0..SECTIONS_MAX {
            sections.add(section(number));
        }
        sections.add(section(0));
        sections.add(section(SECTIONS_MAX));
        let known = |number: usize| sections.find(&number.to_string()).is_some();
        assert!(known(0) && known(SECTIONS_MAX) && !known(1));
        assert_eq!((2..SECTIONS_MAX).filter(|number| known(*number)).count(), SECTIONS_MAX - 2);
    }
}
