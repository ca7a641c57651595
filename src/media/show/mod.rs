//! The life of a show: who may publish, how long it outlives its publisher, when it is over.
//!
//! A pure state machine: the stream's actor tells it what happened and when, and does what it answers.
//! [`wallclock`] keeps the show's media time beside the wall clock, [`numbers`] says which segment numbers may be
//! used; time without media is declared by [`crate::packager::live`].

pub mod numbers;
pub mod wallclock;

use weir_model::{KeyId, StreamState, Timestamp};

/// A publisher that was silent for this long may be replaced by a new connection with its key: OBS and
/// ffmpeg send audio at least every 64 ms, so two seconds without any frame is a dead uplink.
pub const SILENT_PUBLISHER_MS: i64 = 2_000;

/// How long the playlists of an ended show stay: players that were watching see its end, and then its media
/// need not fill the memory. Longer than a player's longest wait between two requests.
pub const ENDED_KEPT_MS: i64 = 60_000;

/// Times of a show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShowConfig {
    /// A publisher may come back within this and continue the show, milliseconds.
    pub grace_ms: i64,
}

/// What a publisher is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// A new show begins.
    Begin,
    /// Somebody else publishes and is well.
    Busy,
    /// The show goes on; nobody has to be dropped.
    Continue,
    /// The show goes on; the silent publisher must be dropped.
    TakeOver,
}

/// What has to be done now that time has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// The show is over.
    End,
    /// The show is over for long: its media can go.
    Forget,
}

/// Where the show stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Ended { forget: Timestamp },
    Grace { until: Timestamp },
    Live { key: KeyId, last_media: Timestamp },
    Offline,
}

/// One channel's shows, one after the other.
#[derive(Debug, Clone)]
pub struct Show {
    config: ShowConfig,
    phase: Phase,
}

impl Show {
    /// No show yet.
    #[must_use]
    pub const fn new(config: ShowConfig) -> Self {
        Self { config, phase: Phase::Offline }
    }

    /// A show that was on elsewhere goes on here; it waits for its publisher.
    #[must_use]
    pub fn resumed(config: ShowConfig, now: Timestamp) -> Self {
        Self { config, phase: Phase::Grace { until: now.plus_ms(config.grace_ms) } }
    }

    /// Somebody with `key` wants to publish.
    pub fn publish(&mut self, key: KeyId, now: Timestamp) -> Admission {
        let admission = match self.phase {
            Phase::Offline | Phase::Ended { .. } => Admission::Begin,
            Phase::Grace { .. } => Admission::Continue,
            Phase::Live { key: current, last_media } => {
                let silent = now.since_ms(last_media) >= SILENT_PUBLISHER_MS;
                if current != key || !silent {
                    return Admission::Busy;
                }
                Admission::TakeOver
            }
        };
        self.phase = Phase::Live { key, last_media: now };
        admission
    }

    /// The publisher sent media, the newest of it at `at`.
    pub fn media(&mut self, at: Timestamp) {
        if let Phase::Live { last_media, .. } = &mut self.phase {
            *last_media = at.max(*last_media);
        }
    }

    /// The publisher is gone.
    pub fn gone(&mut self, now: Timestamp) {
        if let Phase::Live { .. } = self.phase {
            self.phase = Phase::Grace { until: now.plus_ms(self.config.grace_ms) };
        }
    }

    /// What is due at `now`. Call again until it answers `None`.
    pub fn due(&mut self, now: Timestamp) -> Option<Due> {
        if let Phase::Ended { forget } = self.phase
            && now >= forget
        {
            self.phase = Phase::Offline;
            return Some(Due::Forget);
        }
        if let Phase::Grace { until } = self.phase
            && now >= until
        {
            self.end(now);
            return Some(Due::End);
        }
        None
    }

    /// Ends the show now, whatever its phase.
    pub fn end(&mut self, now: Timestamp) {
        if !matches!(self.phase, Phase::Offline | Phase::Ended { .. }) {
            self.phase = Phase::Ended { forget: now.plus_ms(ENDED_KEPT_MS) };
        }
    }

    /// The state in the words of the glossary.
    #[must_use]
    pub const fn state(&self) -> StreamState {
        match self.phase {
            Phase::Ended { .. } => StreamState::Ended,
            Phase::Grace { .. } | Phase::Live { .. } => StreamState::Live,
            Phase::Offline => StreamState::Offline,
        }
    }

    /// End of the grace period while the publisher is gone.
    #[must_use]
    pub const fn grace_until(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Grace { until, .. } => Some(until),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: ShowConfig = ShowConfig { grace_ms: 30_000 };
    const OURS: KeyId = KeyId(1);
    const FOREIGN: KeyId = KeyId(2);

    fn at(ms: i64) -> Timestamp {
        Timestamp(ms)
    }

    fn live() -> Show {
        let mut show = Show::new(CONFIG);
        assert_eq!(show.publish(OURS, at(0)), Admission::Begin);
        show.media(at(10_000));
        show
    }

    #[test]
    fn a_second_publisher_is_refused_while_the_first_is_well() {
        let mut show = live();
        assert_eq!(show.publish(OURS, at(11_000)), Admission::Busy);
        assert_eq!(show.publish(FOREIGN, at(11_000)), Admission::Busy);
        assert_eq!(show.state(), StreamState::Live);
    }

    #[test]
    fn the_same_key_takes_over_from_a_silent_connection_and_another_key_does_not() {
        let mut show = live();
        assert_eq!(show.publish(FOREIGN, at(12_000)), Admission::Busy);
        assert_eq!(show.publish(OURS, at(12_000)), Admission::TakeOver);
        assert_eq!(show.publish(OURS, at(12_100)), Admission::Busy);
    }

    #[test]
    fn a_publisher_that_comes_back_inside_the_grace_period_continues_the_show() {
        let mut show = live();
        show.gone(at(10_000));
        assert_eq!(show.grace_until(), Some(at(40_000)));
        assert_eq!(show.publish(FOREIGN, at(39_999)), Admission::Continue);
        assert_eq!(show.grace_until(), None);
    }

    #[test]
    fn the_end_of_the_grace_period_ends_the_show_and_its_media_goes_later() {
        let mut show = live();
        show.gone(at(10_000));
        assert_eq!(show.due(at(39_999)), None);
        assert_eq!(show.due(at(40_000)), Some(Due::End));
        assert_eq!(show.due(at(50_000)), None);
        assert_eq!(show.state(), StreamState::Ended);
        assert_eq!(show.clone().publish(OURS, at(50_000)), Admission::Begin);
        assert_eq!(show.due(at(40_000 + ENDED_KEPT_MS)), Some(Due::Forget));
        assert_eq!(show.due(at(40_000 + ENDED_KEPT_MS)), None);
        assert_eq!(show.state(), StreamState::Offline);
    }
}
