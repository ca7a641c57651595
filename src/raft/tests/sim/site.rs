//! A simulated node's place: its disk, its snapshot's folder and its machine, which outlive its processes.

use super::super::log::tests::disk::{Cut, Dice as DiskDice, Image};
use super::super::snapshot::Snapshots;
use super::super::*;
use super::dice::Dice;
use super::network::{Air, Life, Process, Way};
use super::registers::{Registers, State};

/// Small, so that segments are begun and freed while the simulation runs.
const SEGMENT: u64 = 32 << 10;
const SNAPSHOT: &str = "snapshot";

pub(super) struct Site {
    id: u64,
    starts: u64,
    image: Image,
    files: Arc<Cut>,
    dir: tempfile::TempDir,
    state: State,
    /// An older state of the machine, to which a power cut may throw it back.
    older: State,
    air: Air,
    dice: Dice,
}

impl Site {
    pub(super) fn new(id: u64, air: &Air, dice: Dice) -> Self {
        Self {
            id,
            starts: 0,
            image: Image::new(),
            files: Arc::new(Cut::of(Image::new(), 0)),
            dir: tempfile::tempdir().unwrap(),
            state: State::default(),
            older: State::default(),
            air: air.clone(),
            dice,
        }
    }

    /// Starts a process on what the disk holds; its power goes by itself after so many changes of the disk.
    pub(super) async fn start(&mut self, steps: u64) -> Result<(), LogError> {
        self.starts += 1;
        let life = Arc::new(Life::default());
        self.files = Arc::new(Cut::of(self.image.clone(), steps));
        let (log, writer) = Log::open_threadless(Arc::clone(&self.files) as _, SEGMENT)?;
        let air = self.air.clone();
        spawn()("disk", Box::pin(writer.run(move || air.disk())));
        let machine = Arc::new(Registers::of(self.state.clone()));
        let parts = Parts {
            dir: self.dir.path().to_owned(),
            node: NodeId(self.id),
            incarnation: self.starts,
            machine: Arc::clone(&machine) as _,
            network: Arc::new(Way {
                from: self.id,
                life: Arc::clone(&life),
                air: self.air.clone(),
            }),
            spawn: spawn(),
            room: Arc::new(|| Ok(())),
            now: super::money::wall,
        };
        let consensus = Consensus::open_on(log, Snapshots::open(self.dir.path())?, parts).await?;
        let process = Process { consensus, machine, life };
        self.air.0.lock().processes.insert(self.id, process);
        Ok(())
    }

    /// The power goes, if it has not gone already. What the disk and the machine's store hold then is chance.
    pub(super) fn stop(&mut self) {
        self.files.cut();
        self.image = self.files.image(&mut DiskDice::new(self.dice.next()));
        let dir = tempfile::tempdir().unwrap();
        let _ = std::fs::copy(self.dir.path().join(SNAPSHOT), dir.path().join(SNAPSHOT));
        self.dir = dir;
        let Some(process) = self.air.0.lock().processes.remove(&self.id) else { return };
        process.life.end();
        self.state = match self.dice.between(0, 2) {
            0 => State::default(),
            1 => self.older.clone(),
            _ => process.machine.0.lock().clone(),
        };
        // Not heard by anybody, and not by its disk.
        spawn()("last breath", Box::pin(async move { process.consensus.shutdown().await }));
    }

    /// Its power goes no more.
    pub(super) fn heal(&self) {
        self.files.keep_on();
    }

    /// The power went while the disk worked.
    pub(super) fn is_off(&self) -> bool {
        self.files.is_off()
    }

    /// The machine's store is synced now.
    pub(super) fn keep(&mut self) {
        if let Some(process) = self.air.process(self.id) {
            self.older = process.machine.0.lock().clone();
        }
    }

    /// The machine's store is lost altogether.
    pub(super) fn lose_machine(&mut self) {
        (self.state, self.older) = (State::default(), State::default());
    }
}
