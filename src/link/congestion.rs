//! How much is under way to a node at once: Cubic (RFC 9438), to which not every loss is a full road.
//!
//! Cubic takes each lost datagram for a queue that is full. On a long line that loses one of a hundred whatever is
//! sent, it shrinks until nothing live fits through. But queues that are full lose much, or make round trips longer
//! first. So Cubic hears of losses only when there are more than [`LOST_PART`] (an idea of BBR, `BBR.LossThresh` of
//! draft-ietf-ccwg-bbr), or round trips are long for this line.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::congestion::{Controller, ControllerFactory, ControllerMetrics, Cubic, CubicConfig};
use quinn_proto::RttEstimator;

/// What may be under way before the first acknowledgement: a usual part. Nodes are not strangers on unknown links.
const INITIAL_WINDOW_BYTES: u64 = 64 * 1024;
/// One of so many bytes may be lost: 4 %, twice what BBR allows, because what only came late is counted as well.
const LOST_PART: u64 = 25;
/// Losses are counted over this much, and up to twice that: 2,000 datagrams, so that chance does not decide.
const COUNTED_BYTES: u64 = 2_400_000;
/// A round trip of half again the shortest one, and this for what jitters, has a queue in it.
const JITTER: Duration = Duration::from_millis(10);
/// The shortest round trip is that of this span and the one before it: a route that got longer is none with a queue.
/// Parts come in bursts, so a queue of our own is empty several times in a span; one that stands for longer is heard
/// of by what it loses.
const SHORTEST_SPAN: Duration = Duration::from_secs(1);

/// What became of what was sent lately.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Fate {
    arrived: u64,
    lost: u64,
}

impl Fate {
    fn arrive(&mut self, bytes: u64) {
        self.arrived += bytes;
        self.age();
    }

    fn lose(&mut self, bytes: u64) {
        self.lost += bytes;
        self.age();
    }

    const fn age(&mut self) {
        if self.arrived + self.lost >= 2 * COUNTED_BYTES {
            self.arrived /= 2;
            self.lost /= 2;
        }
    }

    /// More is lost than lines lose.
    fn is_bad(self) -> bool {
        self.lost > (self.arrived + self.lost).max(COUNTED_BYTES) / LOST_PART
    }
}

/// The shortest round trip of the last moments.
#[derive(Debug, Clone, Copy, Default)]
struct Shortest {
    running: Option<Duration>,
    before: Option<Duration>,
    since: Option<Instant>,
}

impl Shortest {
    /// Takes `rtt` in and says the shortest.
    fn observe(&mut self, rtt: Duration, now: Instant) -> Duration {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= SHORTEST_SPAN {
            (self.before, self.since) = (self.running.take(), Some(now));
        }
        let running = self.running.map_or(rtt, |shortest| shortest.min(rtt));
        self.running = Some(running);
        self.before.map_or(running, |before| before.min(running))
    }
}

/// Whether a round trip is so much longer than the shortest one that something queues.
fn queues(rtt: Duration, shortest: Duration) -> bool {
    rtt > shortest + shortest / 2 + JITTER
}

/// Makes the controller of each connection.
#[derive(Debug)]
pub(super) struct Patient(Arc<CubicConfig>);

impl Default for Patient {
    fn default() -> Self {
        let mut cubic = CubicConfig::default();
        cubic.initial_window(INITIAL_WINDOW_BYTES);
        Self(Arc::new(cubic))
    }
}

impl ControllerFactory for Patient {
    fn build(self: Arc<Self>, now: Instant, current_mtu: u16) -> Box<dyn Controller> {
        let cubic = Cubic::new(Arc::clone(&self.0), now, current_mtu);
        let (fate, shortest) = (Fate::default(), Shortest::default());
        Box::new(PatientCubic { cubic, fate, shortest, queues: false })
    }
}

#[derive(Debug, Clone)]
struct PatientCubic {
    cubic: Cubic,
    fate: Fate,
    shortest: Shortest,
    queues: bool,
}

impl Controller for PatientCubic {
    fn on_sent(&mut self, now: Instant, bytes: u64, last_packet_number: u64) {
        self.cubic.on_sent(now, bytes, last_packet_number);
    }

    fn on_ack(
        &mut self,
        now: Instant,
        sent: Instant,
        bytes: u64,
        app_limited: bool,
        rtt: &RttEstimator,
    ) {
        self.fate.arrive(bytes);
        self.queues = queues(rtt.get(), self.shortest.observe(rtt.get(), now));
        self.cubic.on_ack(now, sent, bytes, app_limited, rtt);
    }

    fn on_end_acks(
        &mut self,
        now: Instant,
        in_flight: u64,
        app_limited: bool,
        largest_packet_num_acked: Option<u64>,
    ) {
        self.cubic.on_end_acks(now, in_flight, app_limited, largest_packet_num_acked);
    }

    fn on_congestion_event(
        &mut self,
        now: Instant,
        sent: Instant,
        is_persistent_congestion: bool,
        lost_bytes: u64,
    ) {
        self.fate.lose(lost_bytes);
        // Without a loss it is a router that says so (ECN).
        let told = lost_bytes == 0 || is_persistent_congestion;
        if told || self.queues || self.fate.is_bad() {
            self.cubic.on_congestion_event(now, sent, is_persistent_congestion, lost_bytes);
        }
    }

    fn on_mtu_update(&mut self, new_mtu: u16) {
        self.cubic.on_mtu_update(new_mtu);
    }

    fn window(&self) -> u64 {
        self.cubic.window()
    }

    fn metrics(&self) -> ControllerMetrics {
        self.cubic.metrics()
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }

    fn initial_window(&self) -> u64 {
        self.cubic.initial_window()
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATAGRAM: u64 = 1_200;

    fn now() -> Instant {
        use quinn::Runtime as _;
        quinn::TokioRuntime.now()
    }

    fn controller() -> Box<dyn Controller> {
        Arc::new(Patient::default()).build(now(), 1_200)
    }

    /// What is known of a line that loses one datagram of `each`.
    fn line(each: u64) -> Fate {
        let mut fate = Fate::default();
        for _ in 0..1_000 {
            (0..each - 1).for_each(|_| fate.arrive(DATAGRAM));
            fate.lose(DATAGRAM);
        }
        fate
    }

    #[test]
    fn a_line_that_loses_three_of_a_hundred_is_not_full_and_one_that_loses_six_is() {
        assert!(!line(33).is_bad() && line(16).is_bad());
    }

    #[test]
    fn single_losses_at_the_beginning_say_nothing_and_many_do() {
        let mut fate = Fate::default();
        (0..80).for_each(|_| fate.lose(DATAGRAM));
        assert!(!fate.is_bad());
        fate.lose(DATAGRAM);
        assert!(fate.is_bad());
    }

    #[test]
    fn what_was_lost_long_ago_is_forgotten() {
        let mut fate = Fate::default();
        (0..1_000).for_each(|_| fate.lose(DATAGRAM));
        assert!(fate.is_bad());
        (0..20_000).for_each(|_| fate.arrive(DATAGRAM));
        assert!(!fate.is_bad());
    }

    #[test]
    fn a_round_trip_that_became_long_means_a_queue() {
        let ms = Duration::from_millis;
        assert!(!queues(ms(104), ms(100)) && !queues(ms(9), ms(1)));
        assert!(queues(ms(161), ms(100)) && queues(ms(12), ms(1)));
    }

    #[test]
    fn a_route_that_got_longer_is_known_as_long_after_a_while() {
        let (mut shortest, start, ms) = (Shortest::default(), now(), Duration::from_millis);
        let mut at = |after, rtt| shortest.observe(ms(rtt), start + ms(after));
        assert_eq!((at(0, 2), at(900, 1)), (ms(2), ms(1)));
        assert_eq!((at(1_100, 100), at(2_000, 101)), (ms(1), ms(1)));
        assert_eq!((at(2_200, 102), at(2_300, 90)), (ms(100), ms(90)));
    }

    #[test]
    fn losses_are_heard_once_they_are_many() {
        let (mut controller, now) = (controller(), now());
        (0..80).for_each(|_| controller.on_congestion_event(now, now, false, DATAGRAM));
        assert_eq!(controller.window(), INITIAL_WINDOW_BYTES);
        controller.on_congestion_event(now, now, false, DATAGRAM);
        assert!(controller.window() < INITIAL_WINDOW_BYTES);
    }

    #[test]
    fn a_router_that_says_it_is_full_and_a_long_silence_are_heard_at_once() {
        let heard = |persistent, bytes| {
            let (mut controller, now) = (controller(), now());
            controller.on_congestion_event(now, now, persistent, bytes);
            controller.window() < INITIAL_WINDOW_BYTES
        };
        assert!(heard(false, 0) && heard(true, DATAGRAM));
        assert!(!heard(false, DATAGRAM));
    }
}
