//! How the journal comes to the disk.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// What was appended is on its way to the disk after so many bytes. Whoever syncs later has no more than this to wait
/// for, and nor has the log beside it, whose syncs a file system makes wait for large ones.
const EARLY_BYTES: u64 = 2 << 20;

/// The newest segment for those who want it on the disk.
#[derive(Debug, Clone)]
pub(in crate::store::ledger) struct Durable {
    file: Arc<File>,
    /// A write or a sync of the journal failed; nobody knows what it holds.
    failed: Arc<AtomicBool>,
}

impl Durable {
    pub(super) const fn new(file: Arc<File>, failed: Arc<AtomicBool>) -> Self {
        Self { file, failed }
    }

    /// Everything that was appended before survives a power cut once this is `Ok`. An error is the journal's end: the
    /// kernel tells of it once, to one of those who ask.
    pub(in crate::store::ledger) fn sync(&self) -> io::Result<()> {
        let synced = self.file.sync_data();
        if synced.is_err() {
            self.failed.store(true, Ordering::Release);
        }
        match self.failed.load(Ordering::Acquire) {
            true => synced
                .and_then(|()| Err(io::Error::other("an earlier write to the journal failed"))),
            false => Ok(()),
        }
    }
}

/// Syncs now and then what is appended, on a thread of its own. Nobody waits for it.
pub(super) struct Early {
    segments: Option<SyncSender<Durable>>,
    thread: Option<JoinHandle<()>>,
    /// Bytes that were passed when it last was given something.
    at: u64,
}

impl Early {
    /// Without a thread, everything is left to who syncs later.
    pub(super) fn start(at: u64) -> Self {
        let (segments, work) = sync_channel::<Durable>(1);
        let run = move || {
            for segment in work {
                if let Err(error) = segment.sync() {
                    tracing::error!(%error, "the ledger's journal does not come to the disk");
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("ledger journal".into()).spawn(run);
        let thread = thread.inspect_err(|error| tracing::warn!(%error, "no thread")).ok();
        Self { segments: Some(segments), thread, at }
    }

    /// The journal has come to `passed` bytes.
    pub(super) fn note(&mut self, passed: u64, segment: impl FnOnce() -> Durable) {
        if passed.saturating_sub(self.at) < EARLY_BYTES {
            return;
        }
        let given = self.segments.as_ref().map(|segments| segments.try_send(segment()));
        // What waits there syncs this too.
        if !matches!(given, Some(Err(TrySendError::Disconnected(_)))) {
            self.at = passed;
        }
    }
}

impl Drop for Early {
    fn drop(&mut self) {
        self.segments = None;
        if let Some(thread) = self.thread.take() {
            // It panicked, and the panic was logged.
            let _ = thread.join();
        }
    }
}
