//! One connection without its socket: handshake, chunks and session in a row.
//!
//! Everything that reads a stranger's bytes is behind this type, so that tests and fuzzing drive exactly
//! what the network drives.

use bytes::{Buf, BytesMut};

use super::chunk::{ChunkError, Dechunker};
use super::handshake::{Handshake, HandshakeError};
use super::session::{Action, Session, SessionError};

/// Why a connection's bytes make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// In the handshake.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// In the chunks.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// In the commands.
    #[error(transparent)]
    Session(#[from] SessionError),
}

/// The protocol state of one connection.
pub struct Wire {
    input: BytesMut,
    /// Bytes of `input` that were there before the newest read.
    noted: usize,
    handshake: Option<Box<Handshake>>,
    dechunker: Dechunker,
    session: Session,
}

impl Default for Wire {
    fn default() -> Self {
        Self::new()
    }
}

impl Wire {
    /// A connection at its first byte.
    #[must_use]
    pub fn new() -> Self {
        Self {
            input: BytesMut::new(),
            noted: 0,
            handshake: Some(Box::default()),
            dechunker: Dechunker::new(),
            session: Session::new(),
        }
    }

    /// Where bytes of the peer are appended.
    pub const fn input(&mut self) -> &mut BytesMut {
        &mut self.input
    }

    /// The session.
    pub const fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Whether the handshake is over.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.handshake.is_none()
    }

    /// Bytes that unfinished messages take.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.dechunker.held()
    }

    /// Lets the publisher begin: its large messages are taken from now on.
    pub fn accept(&mut self) {
        self.dechunker.allow_media();
        self.session.accept();
    }

    /// Works through the input and appends what is to be done to `out`. Stops behind an
    /// [`Action::Publish`], to be called again once that is answered.
    ///
    /// # Errors
    /// When the bytes make no sense; the connection is to be closed.
    pub fn advance(&mut self, out: &mut Vec<Action>) -> Result<(), WireError> {
        self.session.note_received(self.input.len().saturating_sub(self.noted));
        let worked = self.work(out);
        self.noted = self.input.len();
        worked
    }

    fn work(&mut self, out: &mut Vec<Action>) -> Result<(), WireError> {
        if let Some(handshake) = &mut self.handshake {
            let behind = handshake.push(&self.input, self.session.replies().raw())?;
            self.input.clear();
            let Some(behind) = behind else {
                return Ok(());
            };
            self.input.extend_from_slice(&behind);
            self.handshake = None;
        }
        let mut rest: &[u8] = &self.input;
        while !self.session.is_asking()
            && let Some(message) = self.dechunker.next(&mut rest)?
        {
            self.session.handle(message, out)?;
        }
        let used = self.input.len() - rest.len();
        self.input.advance(used);
        Ok(())
    }
}
