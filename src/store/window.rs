//! The window of a stream: its newest segments and parts in memory, with readers that wait for more.

use weir_media::Output;
use weir_model::Timestamp;

/// Playlists and media of one stream. One writer (the stream's media loop), any number of readers.
pub struct Window {}

impl Window {
    /// Takes a step of the packager; `anchor` is the wall-clock time of 0 on the show's line.
    pub fn apply(&self, outputs: &mut Vec<Output>, anchor: Timestamp) {
        let _ = (outputs, anchor);
        unimplemented!()
    }

    /// The show is over: playlists end (`EXT-X-ENDLIST`) and answer everybody who waits.
    pub fn end(&self) {
        unimplemented!()
    }

    /// Forgets everything of the last show except the numbering; a new show begins.
    pub fn begin_show(&self) {
        unimplemented!()
    }

    /// At least one whole segment is listed.
    #[must_use]
    pub fn playable(&self) -> bool {
        unimplemented!()
    }
}
