//! The handshake (RTMP 1.0 §5.2): plain, and with the digests that ffmpeg sends.
//!
//! `rml_rtmp` does the work. It keeps what it was given until a packet of 1,536 bytes is whole, so its
//! memory is bounded by what one call hands it; the caller hands it one read at a time.

use rml_rtmp::handshake::{Handshake as Rml, HandshakeProcessResult, PeerType};

/// The peer does not speak plain RTMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RTMP handshake: only version 3 without encryption is spoken here")]
pub struct HandshakeError;

/// The server's half of one handshake.
pub struct Handshake {
    inner: Rml,
}

impl Default for Handshake {
    fn default() -> Self {
        Self::new()
    }
}

impl Handshake {
    /// Waits for the first byte.
    #[must_use]
    pub fn new() -> Self {
        Self { inner: Rml::new(PeerType::Server) }
    }

    /// Takes bytes of the peer and appends the answer to `out`. Some once the handshake is over: the bytes
    /// that came behind it.
    ///
    /// # Errors
    /// When the peer asks for another version or for encryption.
    pub fn push(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Option<Vec<u8>>, HandshakeError> {
        match self.inner.process_bytes(input).map_err(|_| HandshakeError)? {
            HandshakeProcessResult::InProgress { response_bytes } => {
                out.extend(response_bytes);
                Ok(None)
            }
            HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                out.extend(response_bytes);
                Ok(Some(remaining_bytes))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs both sides, the client's bytes in pieces of `piece`; gives what is left behind the handshake.
    fn run(plain: bool, piece: usize) -> Vec<u8> {
        let mut client = Rml::new(PeerType::Client);
        let mut to_server = client.generate_outbound_p0_and_p1().unwrap();
        if plain {
            to_server[5..].fill(0);
        }
        let mut server = Handshake::new();
        let mut to_client = Vec::new();
        for bytes in to_server.chunks(piece) {
            assert_eq!(server.push(bytes, &mut to_client), Ok(None));
        }
        assert_eq!(to_client.len(), 1 + 1536 + 1536);
        if plain {
            assert_eq!(to_client[1 + 1536..], to_server[1..], "S2 must echo C1");
        }
        let mut last: Vec<u8> = match client.process_bytes(&to_client).unwrap() {
            HandshakeProcessResult::InProgress { response_bytes }
            | HandshakeProcessResult::Completed { response_bytes, .. } => response_bytes,
        };
        last.extend(b"next");
        let mut rest = Vec::new();
        let mut over = false;
        for bytes in last.chunks(piece) {
            if over {
                rest.extend(bytes);
            } else if let Some(behind) = server.push(bytes, &mut to_client).unwrap() {
                over = true;
                rest.extend(behind);
            }
        }
        assert!(over);
        rest
    }

    #[test]
    fn plain_and_digest_handshakes_succeed_in_pieces_of_any_size() {
        for plain in [false, true] {
            for piece in [1, 7, 1536, 100_000] {
                assert_eq!(run(plain, piece), b"next", "plain {plain}, pieces of {piece}");
            }
        }
    }

    #[test]
    fn another_version_is_refused_at_the_first_byte() {
        for version in [0, 2, 6, 22, 255] {
            assert_eq!(Handshake::new().push(&[version], &mut Vec::new()), Err(HandshakeError));
        }
    }
}
