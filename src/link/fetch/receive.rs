//! Takes the streams of subscriptions: segments piece by piece, and where the show stands.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use weir_media::replica::ShowStatus;
use weir_model::{ChannelName, NodeId};

use super::Inner;
use super::pull::{Pull, State};
use crate::link::replicate::wire::{Decoder, Header, Record, StatusHeader, code};
use crate::link::stream::{Reader, StreamError};

/// A stream that is quicker than the answer to its subscription waits for it no longer than this.
const OUTLINE_MAX: Duration = Duration::from_secs(3);
/// A status names the newest segments of sixteen tracks.
const STATUS_BYTES_MAX: usize = 16 * 1024;

impl Inner {
    fn pull_of(&self, channel: &ChannelName, from: NodeId, sub: u64) -> Option<Arc<Pull>> {
        let pull = self.pulls.lock().get(channel).cloned()?;
        let state = pull.state.lock();
        let same = state.sub == sub && state.source == Some(from);
        drop(state);
        same.then_some(pull)
    }

    /// Waits until the subscription's outline is known.
    async fn outlined(&self, channel: &ChannelName, from: NodeId, sub: u64) -> Option<Arc<Pull>> {
        let pull = self.pull_of(channel, from, sub)?;
        let mut ready = pull.ready.subscribe();
        let known = ready.wait_for(|ready| *ready >= sub);
        let known = matches!(tokio::time::timeout(OUTLINE_MAX, known).await, Ok(Ok(_)));
        known.then_some(pull)
    }

    pub(super) async fn take_segment(
        &self,
        from: NodeId,
        header: serde_json::Value,
        mut reader: Reader,
    ) {
        let Ok(header) = serde_json::from_value::<Header>(header) else {
            return reader.stop(code::DAMAGED);
        };
        let Some(pull) = self.outlined(&header.channel, from, header.sub).await else {
            return reader.stop(code::UNWANTED);
        };
        let (track, msn) = (header.head.track, header.head.mark.msn);
        let begun = self.with(&pull, header.sub, |state, now| {
            let Header { head, show, part_target_us, from_part, epoch, .. } = &header;
            if state.assembly.epoch() != Some(*epoch) {
                return Err(code::UNWANTED);
            }
            // Before anything of the segment.
            state.shade(header.shade);
            let begun = state.assembly.begin(head, *show, *part_target_us, *from_part, now);
            begun.map_err(
                |_| if state.assembly.past(track, msn) { code::PAST } else { code::UNWANTED },
            )
        });
        if let Err(code) = begun.unwrap_or(Err(code::UNWANTED)) {
            return reader.stop(code);
        }
        if let Err(code) = self.receive(&pull, &header, &mut reader).await {
            reader.stop(code);
        }
        self.with(&pull, header.sub, |state, now| state.assembly.over(track, msn, now));
    }

    /// Takes what comes until it is over; or the code with which to stop it.
    async fn receive(&self, pull: &Pull, header: &Header, reader: &mut Reader) -> Result<(), u32> {
        let (track, msn) = (header.head.track, header.head.mark.msn);
        let mut decoder = Decoder::new(track, msn);
        let mut ended = false;
        loop {
            match reader.read(decoder.buffer()).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(StreamError::Reset(code)) if code == u64::from(code::GONE) => {
                    self.with(pull, header.sub, |state, now| state.assembly.gone(track, msn, now));
                    return Ok(());
                }
                Err(_) => return Ok(()),
            }
            let taken = self.with(pull, header.sub, |state, now| {
                if !ended && state.assembly.past(track, msn) {
                    return Err(code::PAST);
                }
                self.take_all(pull, header, &mut decoder, state, now)
            });
            ended |= taken.unwrap_or(Err(code::UNWANTED))?;
        }
    }

    /// Every record that is there as a whole, at once: the window changes once. Whether the end was among them.
    fn take_all(
        &self,
        pull: &Pull,
        header: &Header,
        decoder: &mut Decoder,
        state: &mut State,
        now: u64,
    ) -> Result<bool, u32> {
        let track = header.head.track;
        let mut ended = false;
        state.heard = now;
        loop {
            let record = decoder.next().map_err(|problem| {
                tracing::warn!(channel = %pull.channel, %track, %problem, "a segment came damaged");
                code::DAMAGED
            })?;
            match record {
                None => return Ok(ended),
                Some(Record::Init(init)) => state.assembly.init(track, init),
                Some(Record::Part(part)) => match state.assembly.part(track, part, now) {
                    Ok(Some(captured_ms)) => {
                        state.route.news(now);
                        let wall_ms = (self.link.mesh.world.clock)().0;
                        state.lag_ms = Some(age_ms(captured_ms, wall_ms));
                    }
                    Ok(None) => {}
                    // Something before it is missing.
                    Err(_) => return Err(code::DAMAGED),
                },
                Some(Record::End(end)) => {
                    state.assembly.end(track, end, now);
                    ended = true;
                }
            }
        }
    }

    /// Works on a pull whose subscription is still that one, and gives the window what came of it.
    fn with<T>(&self, pull: &Pull, sub: u64, work: impl FnOnce(&mut State, u64) -> T) -> Option<T> {
        let mut state = pull.state.lock();
        if state.sub != sub {
            return None;
        }
        let done = work(&mut state, self.now());
        state.flush();
        Some(done)
    }

    pub(super) async fn take_status(
        &self,
        from: NodeId,
        header: serde_json::Value,
        mut reader: Reader,
    ) {
        let Ok(header) = serde_json::from_value::<StatusHeader>(header) else {
            return reader.stop(code::DAMAGED);
        };
        let Some(pull) = self.outlined(&header.channel, from, header.sub).await else {
            return reader.stop(code::UNWANTED);
        };
        let mut buffer = BytesMut::new();
        while let Ok(true) = reader.read(&mut buffer).await {
            let mut known = true;
            while let Some(status) = next_status(&mut buffer) {
                let heard = self.with(&pull, header.sub, |state, now| {
                    state.heard = now;
                    state.shade(status.shade);
                    state.assembly.status(&status, now);
                });
                known &= heard.is_some();
            }
            if !known || buffer.len() > STATUS_BYTES_MAX {
                return reader.stop(code::UNWANTED);
            }
        }
        self.with(&pull, header.sub, |state, _| state.cut = true);
        pull.wake.notify_one();
    }
}

/// How long ago something was captured. Clocks of two nodes are never the same, and nothing comes before it was made.
fn age_ms(captured_ms: i64, now_ms: i64) -> u64 {
    u64::try_from(now_ms.saturating_sub(captured_ms)).unwrap_or_default()
}

/// Cuts the next status off; one that is not understood is passed over.
fn next_status(buffer: &mut BytesMut) -> Option<ShowStatus> {
    loop {
        let length = buffer.get(..4)?.get_u32() as usize;
        if buffer.len() < 4 + length {
            return None;
        }
        let record = buffer.split_to(4 + length);
        if let Ok(status) = serde_json::from_slice(record.get(4..)?) {
            return Some(status);
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_media::replica::Shade;
    use weir_model::SessionId;

    use super::*;

    #[test]
    fn a_node_that_says_nothing_of_sessions_is_understood_and_one_without_any_says_nothing() {
        let read = |status: &serde_json::Value| {
            let json = status.to_string();
            let mut buffer = BytesMut::from(&u32::try_from(json.len()).unwrap().to_be_bytes()[..]);
            buffer.extend_from_slice(json.as_bytes());
            next_status(&mut buffer).unwrap()
        };
        let plain = serde_json::to_value(ShowStatus::default()).unwrap();
        assert!(plain.get("shade").is_none(), "{plain}");
        assert!(read(&plain).shade.is_none());
        let shade = Shade { from: 3, session: Some(SessionId(1)) };
        let told = serde_json::to_value(ShowStatus { shade, ..ShowStatus::default() }).unwrap();
        assert_eq!(read(&told).shade, shade);
    }

    #[test]
    fn nothing_is_younger_than_new_whatever_the_clocks_say() {
        assert_eq!(age_ms(1_000, 1_070), 70);
        for ahead in [1_001, i64::MAX] {
            assert_eq!(age_ms(ahead, 1_000), 0, "the clock here is behind");
        }
    }
}
