//! The media loop of a stream: frames out of the feed, through the packager, into the window.
//!
//! It lives as long as the stream's actor, which steers it by [`Command`]s; media never passes the actor.
//! While a show is on and no media comes, whether its publisher is connected or gone, it declares the time
//! without media ([`Live`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use weir_media::packager::PackagerConfig;
use weir_media::packager::live::Live;
use weir_media::show::numbers::Numbers;
use weir_media::show::wallclock::Wallclock;
use weir_media::{Item, Output};
use weir_model::{ShowId, Timestamp};

use super::clock;
use super::streams::PublicState;
use super::tasks::Handle;
use crate::feed;
use crate::store::window::Window;

/// Commands that may wait; the actor sends a few per show.
pub const COMMANDS_MAX: usize = 16;

/// Parts of one segment at the most: 4 s of 200 ms, doubled for short last parts and odd frame rates.
/// Part numbers of a later run start above all that segments below its first one can have used.
pub(super) const PARTS_PER_SEGMENT_MAX: u64 = 64;

/// What the stream's actor tells its media loop.
pub enum Command {
    /// Reads from a new publisher; what was read before is closed.
    Attach {
        /// The publisher's frames.
        reader: feed::Reader,
        /// The new show that begins with it, if one does.
        new_show: Option<ShowId>,
        /// Answers where its first frame belongs on the show's line, microseconds.
        start_us: oneshot::Sender<i64>,
    },
    /// Ends the show's playlists.
    End,
    /// Frees the media of a show that ended.
    Forget,
    /// Closes what is open and declares nothing more: the show goes on elsewhere.
    Close {
        /// Answered when that is done.
        closed: oneshot::Sender<()>,
    },
}

/// What the loop tells its actor, without messages.
#[derive(Debug, Default)]
pub struct Gauge {
    /// Media bytes since the stream's actor started.
    pub bytes: AtomicU64,
    /// Wall clock of the newest media, milliseconds.
    pub last_media_ms: AtomicI64,
    /// Number of the segment that begins next.
    pub next_msn: AtomicU64,
    /// The first segment number that is not durably reserved.
    pub msn_end: AtomicU64,
    /// Received media over the last seconds, bits per second; kept by the actor.
    pub bitrate: AtomicU64,
    /// Times a connected publisher fell silent for so long that gaps were declared.
    pub stalls: AtomicU64,
    /// Times such a publisher sent media again.
    pub resumes: AtomicU64,
    /// Frames dropped in the newest stall that is over: they came behind declared gaps and belonged into them.
    pub late: AtomicU64,
}

impl Gauge {
    /// The numbers that the stream has.
    pub(super) fn numbers(&self) -> Numbers {
        let next = self.next_msn.load(Ordering::Relaxed);
        Numbers { next, end: self.msn_end.load(Ordering::Relaxed) }
    }
}

/// The loop's own state.
pub struct MediaLoop {
    live: Live,
    wallclock: Wallclock,
    /// Wall clock of 0 on the show's line, as of the newest segment.
    anchor: Timestamp,
    show_start_us: i64,
    reader: Option<feed::Reader>,
    /// The present publisher is connected and gaps are declared for it: what [`Live::late`] was before.
    stalled: Option<u64>,
    window: Arc<Window>,
    gauge: Arc<Gauge>,
    state: watch::Sender<PublicState>,
    items: Vec<Item>,
    outputs: Vec<Output>,
}

impl MediaLoop {
    /// A loop whose first segment is `first_msn` and whose first part is `first_part`. A show that began `since` at
    /// another node keeps its line: players take times that go on better than times that begin again.
    #[must_use]
    pub fn new(
        config: PackagerConfig,
        (first_msn, first_part): (u64, u64),
        since: Option<Timestamp>,
        window: Arc<Window>,
        gauge: Arc<Gauge>,
        state: watch::Sender<PublicState>,
    ) -> Self {
        gauge.next_msn.store(first_msn, Ordering::Relaxed);
        let now = clock::now();
        // Clocks of nodes differ; a show from the future begins now.
        let start = since.filter(|since| *since <= now).unwrap_or(now);
        let age_us = now.since_ms(start).saturating_mul(1000);
        let show_start_us = clock::monotonic_us().saturating_sub(age_us);
        let left = window.until().filter(|_| since.is_some());
        let left_us = left.map_or(0, |until| until.since_ms(start).saturating_mul(1000).max(0));
        let mut live = Live::new(config, first_msn, first_part);
        if let Some(told_us) = window.told_part_target_us() {
            live = live.with_part_target(told_us);
        }
        if left.is_some() {
            // Media is ahead of the time at which it is complete here.
            let at_us = show_start_us.saturating_add(left_us.min(age_us));
            live = live.with_renditions(window.inits(), left_us, at_us);
        }
        Self {
            live,
            wallclock: Wallclock::new(start),
            anchor: start,
            show_start_us,
            reader: None,
            stalled: None,
            window,
            gauge,
            state,
            items: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Runs until the actor is gone or the node stops.
    pub async fn run(mut self, handle: Handle, mut commands: mpsc::Receiver<Command>) {
        loop {
            handle.idle(self.items.len() as u64);
            self.items.clear();
            tokio::select! {
                biased;
                command = commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => break,
                },
                open = read(&mut self.reader, &mut self.items) => {
                    handle.busy(self.items.len() as u64);
                    self.take(open);
                },
                () = until(self.live.due_us()), if self.may_begin() => self.declare(),
                () = handle.stopping() => break,
            }
        }
        self.close();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Attach { reader, new_show, start_us } => {
                self.close();
                if let Some(show) = new_show {
                    self.begin_show(show);
                }
                self.wallclock.forget(clock::now());
                self.live.attach();
                self.reader = Some(reader);
                let elapsed = clock::monotonic_us() - self.show_start_us;
                // A publisher that went away before it was told is noticed by its actor.
                let _ = start_us.send(self.live.packager().end_us().max(elapsed));
            }
            Command::End => {
                self.close();
                self.live.end();
                self.window.end();
                self.publish_playable();
            }
            Command::Forget => {
                self.window.begin_show(None);
                self.publish_playable();
            }
            Command::Close { closed } => {
                self.close();
                self.live.end();
                // Whoever waited for it may be gone.
                let _ = closed.send(());
            }
        }
    }

    fn begin_show(&mut self, show: ShowId) {
        self.window.begin_show(Some(show));
        self.live.begin_show();
        self.wallclock = Wallclock::new(clock::now());
        self.show_start_us = clock::monotonic_us();
    }

    fn take(&mut self, open: bool) {
        if !open {
            self.close();
            return;
        }
        let now = clock::now();
        self.gauge.last_media_ms.store(now.0, Ordering::Relaxed);
        let bytes: usize = self.items.iter().map(Item::len).sum();
        self.gauge.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        let now_us = clock::monotonic_us();
        let mut resumed_us = None;
        for item in self.items.iter().cloned() {
            // Without reserved numbers nothing is published; the actor ends the show within a second.
            if !self.may_begin() {
                break;
            }
            resumed_us = self.live.take(item, now_us, &mut self.outputs).or(resumed_us);
        }
        if let Some(line_us) = resumed_us {
            self.wallclock.set(line_us, now);
            self.resume();
        }
        self.wallclock.observe(self.live.packager().end_us(), now);
        self.apply();
    }

    fn may_begin(&self) -> bool {
        let next = self.live.packager().next_msn();
        Numbers { next, ..self.gauge.numbers() }.may_begin()
    }

    /// Keeps the playlists going while no media comes.
    fn declare(&mut self) {
        if !self.live.declare(clock::monotonic_us(), &mut self.outputs) {
            return;
        }
        self.apply();
        if self.stalled.is_none() && self.reader.is_some() && self.live.is_stalled() {
            self.stalled = Some(self.live.late());
            self.gauge.stalls.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Media came behind declared gaps.
    fn resume(&mut self) {
        let Some(late_before) = self.stalled.take() else { return };
        let late = self.live.late().saturating_sub(late_before);
        self.gauge.late.store(late, Ordering::Relaxed);
        // Pairs with the actor's `Acquire`: whoever sees the end of the stall sees its late frames.
        self.gauge.resumes.fetch_add(1, Ordering::Release);
    }

    fn close(&mut self) {
        self.stalled = None;
        if self.reader.take().is_some() {
            self.live.close(clock::monotonic_us(), &mut self.outputs);
            self.apply();
        }
    }

    fn apply(&mut self) {
        if self.outputs.is_empty() {
            return;
        }
        if let Some(target_us) = self.live.packager().part_target_us() {
            self.window.set_part_target_us(target_us);
        }
        if self.outputs.iter().any(|output| matches!(output, Output::Start(..))) {
            self.anchor = self.wallclock.anchor();
        }
        self.window.apply(&mut self.outputs, self.anchor);
        self.outputs.clear();
        self.gauge.next_msn.store(self.live.packager().next_msn(), Ordering::Relaxed);
        self.publish_playable();
    }

    fn publish_playable(&self) {
        let playable = self.window.playable();
        self.state
            .send_if_modified(|state| std::mem::replace(&mut state.playable, playable) != playable);
    }
}

async fn read(reader: &mut Option<feed::Reader>, items: &mut Vec<Item>) -> bool {
    match reader {
        Some(reader) => reader.recv(items).await,
        None => std::future::pending().await,
    }
}

/// Waits until that instant of the monotonic clock, microseconds; forever without one.
async fn until(at_us: Option<i64>) {
    let Some(at_us) = at_us else { return std::future::pending().await };
    // A timer counts milliseconds; one that came too early would be set again.
    let wait_us = u64::try_from(at_us.saturating_sub(clock::monotonic_us())).unwrap_or(0);
    tokio::time::sleep(Duration::from_micros(wait_us)).await;
}
