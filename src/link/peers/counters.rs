//! What is counted per peer, once: the counters and their snapshot have the same fields.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Live counters of a peer.
        #[derive(Debug, Default)]
        pub(in crate::link) struct Counters {
            $($(#[$doc])* pub(in crate::link) $name: AtomicU64,)*
        }

        /// Counters of a peer since it is known.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
        pub struct PeerCounts {
            $($(#[$doc])* pub $name: u64,)*
        }

        impl Counters {
            /// As they are now.
            pub(super) fn now(&self) -> PeerCounts {
                PeerCounts { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }

        impl PeerCounts {
            /// Adds those of another peer.
            pub(super) fn add(&mut self, other: Self) {
                $(self.$name = self.$name.saturating_add(other.$name);)*
            }
        }
    };
}

counters! {
    /// Requests sent.
    requests,
    /// Requests not sent, because too many were in flight.
    requests_refused,
    /// Requests without an answer in time.
    deadlines,
    /// Requests whose connection broke.
    broken,
    /// Requests given to a handler.
    served,
    /// Requests refused before a handler: unknown, too long, or too many.
    served_refused,
    /// Requests whose caller gave up, or waited no longer.
    cancelled,
    /// Handlers that panicked.
    panicked,
    /// Streams opened.
    streams_opened,
    /// Streams not opened, because too many were open.
    streams_refused,
    /// Streams dropped before their end.
    streams_abandoned,
    /// Streams given to a handler.
    streams_taken,
    /// Streams that nobody took, or that were too many.
    streams_not_taken,
    /// Body bytes written to streams.
    stream_bytes,
    /// Writes that had to wait for the link.
    stream_waits,
    /// Dials.
    dials,
    /// Dials that failed.
    dials_failed,
}
