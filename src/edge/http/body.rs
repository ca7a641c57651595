//! The body of an answer: shared bytes, handed to the socket without a copy.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

/// A body of a kind the edge sends.
pub enum Body {
    /// A list of pieces, e.g. the parts of a segment; vectored writes send them together.
    Pieces {
        /// All pieces.
        list: Arc<[Bytes]>,
        /// The next one to send.
        next: usize,
        /// Bytes not sent yet.
        left: u64,
    },
    /// One piece; empty once it is sent.
    Whole(Bytes),
    /// Pieces that come over time.
    Live(Pin<Box<dyn HttpBody<Data = Bytes, Error = Infallible> + Send>>),
}

impl Body {
    /// No bytes.
    #[must_use]
    pub const fn empty() -> Self {
        Self::Whole(Bytes::new())
    }

    /// All pieces in order.
    #[must_use]
    pub fn pieces(list: Arc<[Bytes]>) -> Self {
        let left = list.iter().map(|piece| piece.len() as u64).sum();
        Self::Pieces { list, next: 0, left }
    }

    /// Bytes still to be sent; 0 when nobody can know.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.size_hint().exact().unwrap_or(0)
    }

    /// Whether nothing is left to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_end_stream()
    }

    /// The bytes `from..to` of this body, which must be inside it and not be live.
    #[must_use]
    pub fn slice(self, from: u64, to: u64) -> Self {
        let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX);
        match self {
            Self::Whole(bytes) => {
                let to = at(to).min(bytes.len());
                Self::Whole(bytes.slice(at(from).min(to)..to))
            }
            Self::Pieces { list, .. } => {
                let mut offset = 0;
                let mut kept = Vec::new();
                for piece in list.iter() {
                    let (start, end) = (from.max(offset), to.min(offset + piece.len() as u64));
                    if start < end {
                        kept.push(piece.slice(at(start - offset)..at(end - offset)));
                    }
                    offset += piece.len() as u64;
                }
                Self::pieces(kept.into())
            }
            live @ Self::Live(_) => live,
        }
    }
}

/// A body with something that lives as long as it: until hyper has taken all of it, or gave it up.
pub(super) struct Held<G> {
    body: Body,
    _guard: G,
}

impl<G> Held<G> {
    pub(super) const fn new(body: Body, guard: G) -> Self {
        Self { body, _guard: guard }
    }
}

impl<G: Unpin> HttpBody for Held<G> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(bytes)
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Pieces { list, next, left } => {
                let Some(piece) = list.get(*next) else { return Poll::Ready(None) };
                *next += 1;
                *left = left.saturating_sub(piece.len() as u64);
                Poll::Ready(Some(Ok(Frame::data(piece.clone()))))
            }
            Self::Live(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Pieces { left, .. } => *left == 0,
            Self::Live(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Pieces { left, .. } => SizeHint::with_exact(*left),
            Self::Live(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn pieces() -> Body {
        Body::pieces([&b"abc"[..], b"", b"defg", b"h"].map(Bytes::from_static).into())
    }

    async fn text(body: Body) -> String {
        String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn pieces_arrive_in_order_and_their_length_is_known() {
        assert_eq!(pieces().len(), 8);
        assert_eq!(text(pieces()).await, "abcdefgh");
    }

    #[tokio::test]
    async fn a_slice_crosses_pieces() {
        for (from, to) in [(0, 8), (2, 4), (3, 7), (7, 8), (0, 0), (0, 3)] {
            let sliced = pieces().slice(from, to);
            assert_eq!(sliced.len(), to - from);
            assert_eq!(text(sliced).await, "abcdefgh"[from as usize..to as usize]);
        }
        let whole = Body::from(Bytes::from_static(b"abcdefgh")).slice(2, 5);
        assert_eq!(text(whole).await, "cde");
    }
}
