//! What viewers may see of each channel on this node, whoever feeds it: a packager here, or a copy of another
//! node's window.
//!
//! A [`Stage`] has one feeder at a time. Between two of them the window stays the same object, so whoever waits for
//! the next part of it does not notice that a publisher moved to another node.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use weir_media::rendition::Timing;
use weir_media::replica::{Left, Shade, Step};
use weir_model::{ChannelName, Epoch, StreamState};

use super::packager::Gauge;
use super::streams::{PublicState, PublicStream};
use crate::link::fetch::Replica;
use crate::store::window::Window;

/// Who feeds a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feeder {
    /// A packager here, under this epoch; whether it has begun.
    Own(Epoch, bool),
    /// A copy, of what was made under this epoch if it is known.
    Copy(Epoch),
}

/// One channel on this node.
pub struct Stage {
    /// What viewers see.
    pub public: Arc<PublicStream>,
    state: watch::Sender<PublicState>,
    feeder: Mutex<Feeder>,
}

impl Stage {
    fn new(channel: ChannelName, timing: Timing, state: StreamState) -> Self {
        let state = watch::Sender::new(PublicState { state, playable: false, show: None });
        let public = PublicStream {
            channel,
            state: state.subscribe(),
            window: Arc::new(Window::new(timing)),
            gauge: Arc::new(Gauge::default()),
        };
        Self { public: Arc::new(public), state, feeder: Mutex::new(Feeder::Copy(Epoch::default())) }
    }

    /// Shows viewers a state.
    #[must_use]
    pub fn state(&self) -> watch::Sender<PublicState> {
        self.state.clone()
    }

    /// The epoch under which a packager here feeds it; none while it is a copy.
    #[must_use]
    pub fn own(&self) -> Option<Epoch> {
        match *self.feeder.lock() {
            Feeder::Own(epoch, _) => Some(epoch),
            Feeder::Copy(_) => None,
        }
    }

    /// The epoch of what it shows.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        match *self.feeder.lock() {
            Feeder::Own(epoch, _) | Feeder::Copy(epoch) => epoch,
        }
    }

    /// A packager here feeds it from now on; copies are no longer taken.
    pub fn take(&self, epoch: Epoch) {
        let mut feeder = self.feeder.lock();
        let begun = matches!(*feeder, Feeder::Own(_, true));
        *feeder = Feeder::Own(epoch, begun);
    }

    /// The packager here goes on where the copy ended; from now on others may copy it.
    pub fn begin(&self) {
        if let Feeder::Own(_, begun) = &mut *self.feeder.lock() {
            *begun = true;
        }
    }

    /// Whether what a packager here feeds may be copied.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        matches!(*self.feeder.lock(), Feeder::Own(_, true))
    }

    /// No packager here feeds it any more under `epoch`; what it shows stays until a copy replaces it. Nothing
    /// happens when it is fed under a newer one meanwhile.
    pub fn give_up(&self, epoch: Epoch) {
        let mut feeder = self.feeder.lock();
        if matches!(*feeder, Feeder::Own(own, _) if own == epoch) {
            *feeder = Feeder::Copy(epoch);
        }
    }

    /// What is left of a show that nobody feeds here, and the epoch under which it was made; none without one, and
    /// while a packager here feeds it.
    pub fn leave(&self) -> Option<(Left, Epoch)> {
        let feeder = self.feeder.lock();
        let Feeder::Copy(epoch) = *feeder else { return None };
        Some((self.public.window.leave()?, epoch))
    }

    /// Whether a show is on in its window.
    #[must_use]
    pub fn shows(&self) -> bool {
        let status = self.public.window.status();
        status.show.is_some() && !status.ended
    }

    /// Ends a copy whose owner does not come back.
    pub fn end_copy(&self) {
        let feeder = self.feeder.lock();
        if matches!(*feeder, Feeder::Copy(_)) {
            self.public.window.end();
            self.announce();
        }
    }

    /// Shows viewers what the copied window says.
    fn announce(&self) {
        let status = self.public.window.status();
        let playable = self.public.window.playable();
        let state = if status.ended { StreamState::Ended } else { StreamState::Live };
        let now = PublicState { state, playable, show: status.id };
        self.state.send_if_modified(|known| std::mem::replace(known, now) != now);
    }
}

impl Replica for Stage {
    fn step(&self, steps: &mut Vec<Step>) {
        // Held while the window changes: who takes the stage finds the window at rest.
        let feeder = self.feeder.lock();
        if matches!(*feeder, Feeder::Own(..)) {
            steps.clear();
            return;
        }
        self.public.window.step(steps);
        self.announce();
    }

    fn take_shade(&self, shade: Shade) {
        self.public.window.take_shade(shade);
    }
}

/// The stages of a node. Cheap to clone.
#[derive(Clone)]
pub struct Stages {
    timing: Timing,
    table: Arc<RwLock<HashMap<ChannelName, Arc<Stage>>>>,
}

impl Stages {
    /// None yet; windows that are filled here keep what `timing` says.
    #[must_use]
    pub fn new(timing: Timing) -> Self {
        Self { timing, table: Arc::default() }
    }

    /// A channel's stage.
    #[must_use]
    pub fn find(&self, channel: &ChannelName) -> Option<Arc<Stage>> {
        self.table.read().get(channel).cloned()
    }

    /// All stages, by channel.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Stage>> {
        let mut all: Vec<Arc<Stage>> = self.table.read().values().cloned().collect();
        all.sort_unstable_by(|one, other| one.public.channel.cmp(&other.public.channel));
        all
    }

    /// A channel's stage, fed by a packager here from now on under `epoch`; what a copy shows stays.
    pub fn for_packager(&self, channel: &ChannelName, epoch: Epoch) -> Arc<Stage> {
        let idle = || Arc::new(Stage::new(channel.clone(), self.timing, StreamState::Offline));
        let mut table = self.table.write();
        let stage = Arc::clone(table.entry(channel.clone()).or_insert_with(idle));
        // Before anybody can take it for a copy that nobody wants.
        stage.take(epoch);
        stage
    }

    /// A channel's stage for copies with playlists of these lengths.
    #[must_use]
    pub fn for_copy(&self, channel: &ChannelName, timing: &Timing) -> Arc<Stage> {
        let fits = |stage: &Stage| {
            let own = stage.public.window.timing();
            (own.target_secs, own.list_us) == (timing.target_secs, timing.list_us)
        };
        let mut table = self.table.write();
        if let Some(stage) = table.get(channel).filter(|stage| fits(stage) || stage.own().is_some())
        {
            return Arc::clone(stage);
        }
        let stage = Arc::new(Stage::new(channel.clone(), *timing, StreamState::Live));
        table.insert(channel.clone(), Arc::clone(&stage));
        stage
    }

    /// A new stage for a copy that begins, in the place of what an older copy left behind.
    #[must_use]
    pub fn renewed(&self, channel: &ChannelName) -> Arc<Stage> {
        let mut table = self.table.write();
        if let Some(own) = table.get(channel).filter(|stage| stage.own().is_some()) {
            return Arc::clone(own);
        }
        let stage = Arc::new(Stage::new(channel.clone(), self.timing, StreamState::Live));
        table.insert(channel.clone(), Arc::clone(&stage));
        stage
    }

    /// Forgets a copy, unless a packager feeds it meanwhile or another stage has taken its place.
    pub fn remove_copy(&self, stage: &Arc<Stage>) {
        let mut table = self.table.write();
        let channel = &stage.public.channel;
        let current = table.get(channel).is_some_and(|known| Arc::ptr_eq(known, stage));
        if current && stage.own().is_none() {
            table.remove(channel);
        }
    }

    /// Forgets a channel, unless another stage has taken its place.
    pub fn remove(&self, stage: &Arc<Stage>) {
        let mut table = self.table.write();
        let channel = &stage.public.channel;
        if table.get(channel).is_some_and(|known| Arc::ptr_eq(known, stage)) {
            table.remove(channel);
        }
    }
}
