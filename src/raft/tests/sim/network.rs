//! The network between simulated nodes: delays, loss of requests and of answers, cuts of one way or both.

use std::collections::BTreeMap;

use super::super::*;
use super::dice::Dice;
use super::registers::Registers;

/// A process: what it sends or is sent after its death is nothing.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) consensus: Consensus,
    pub(super) machine: Arc<Registers>,
    pub(super) life: Arc<Life>,
}

/// Whether a process still lives.
#[derive(Default)]
pub(super) struct Life(AtomicBool);

impl Life {
    pub(super) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How it is between the nodes now.
pub(super) struct Weather {
    pub(super) dice: Dice,
    pub(super) processes: BTreeMap<u64, Process>,
    pub(super) cut: HashSet<(u64, u64)>,
    /// Of a thousand requests, and of a thousand answers.
    pub(super) loss: u64,
    /// The longest way, in milliseconds.
    pub(super) delay: u64,
    /// The longest sync of a disk, in milliseconds.
    pub(super) disk: u64,
    /// Changes with everything that was carried: equal runs have equal ones.
    pub(super) print: u64,
}

#[derive(Clone)]
pub(super) struct Air(pub(super) Arc<Mutex<Weather>>);

impl Air {
    pub(super) fn new(dice: Dice) -> Self {
        Self(Arc::new(Mutex::new(Weather {
            dice,
            processes: BTreeMap::new(),
            cut: HashSet::new(),
            loss: 0,
            delay: 2,
            disk: 1,
            print: 0,
        })))
    }

    /// The next message's time on its way; none when it is lost.
    fn way(&self, from: u64, to: u64) -> Option<Duration> {
        let mut weather = self.0.lock();
        let (loss, most) = (weather.loss, weather.delay * 1000);
        let lost = weather.dice.permille(loss) || weather.cut.contains(&(from, to));
        let delay = weather.dice.between(50, most);
        weather.print =
            (weather.print ^ delay ^ from << 32 ^ to << 40).wrapping_mul(0x100_0000_01b3);
        (!lost).then_some(Duration::from_micros(delay))
    }

    /// Whether the sender of a lost request learns at once that there was no way.
    fn is_told(&self) -> bool {
        self.0.lock().dice.permille(300)
    }

    pub(super) fn disk(&self) -> Duration {
        let mut weather = self.0.lock();
        let most = weather.disk * 1000;
        Duration::from_micros(weather.dice.between(50, most))
    }

    pub(super) fn process(&self, id: u64) -> Option<Process> {
        self.0.lock().processes.get(&id).cloned()
    }
}

/// The way out of one process.
pub(super) struct Way {
    pub(super) from: u64,
    pub(super) life: Arc<Life>,
    pub(super) air: Air,
}

impl Way {
    /// Carries a request there and its answer back; never ends when one of them is lost.
    async fn carry(&self, to: u64, kind: &'static str, body: Bytes) -> Result<Bytes, CallError> {
        let lost = || std::future::pending::<Result<Bytes, CallError>>();
        let Some(there) = self.air.way(self.from, to) else {
            if self.air.is_told() {
                return Err(CallError::Unreachable("there is no connection".into()));
            }
            return lost().await;
        };
        tokio::time::sleep(there).await;
        if self.life.is_over() {
            return lost().await;
        }
        let process = self.air.process(to);
        let process = process.ok_or_else(|| CallError::Unreachable("it is off".into()))?;
        // It works on although the asker may have given up.
        let (tell, told) = tokio::sync::oneshot::channel();
        let consensus = process.consensus.clone();
        spawn()(
            "request",
            Box::pin(async move {
                let _ = tell.send(consensus.handle(kind, &body).await);
            }),
        );
        let Ok(answer) = told.await else { return lost().await };
        let Some(back) = self.air.way(to, self.from).filter(|_| !process.life.is_over()) else {
            return lost().await;
        };
        tokio::time::sleep(back).await;
        answer
    }
}

impl Network for Way {
    fn call(
        &self,
        to: NodeId,
        kind: &'static str,
        body: Bytes,
        deadline: Duration,
    ) -> BoxFuture<'_, Result<Bytes, CallError>> {
        Box::pin(async move {
            assert!(body.len() <= BODY_BYTES_MAX, "{kind}: {}", body.len());
            let carried = tokio::time::timeout(deadline, self.carry(to.0, kind, body)).await;
            carried.unwrap_or(Err(CallError::TimedOut))
        })
    }
}
