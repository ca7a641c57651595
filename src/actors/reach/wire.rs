//! What nodes ask one another about their streams and viewings, and the answering side.
//!
//! A body is parsed into these types or refused; what a caller may not say is not in them.

use weir_model::text::one_line;
use weir_model::{ChannelName, KeyId, StreamInfo, StreamState, Viewing};

use super::Own;
use crate::actors::streams::StopReason;
use crate::link::Link;
use crate::link::request::{Kind, Refusal, encoded, parsed};

/// Request: streams.
pub(super) const STREAMS: &str = "reach.streams";
/// Request: viewings.
pub(super) const VIEWINGS: &str = "reach.viewings";
/// Request: something to be done with a stream.
pub(super) const ACT: &str = "reach.act";

/// A question is a name and a few words.
const QUESTION_BYTES_MAX: usize = 4096;
/// 10,000 viewings whose players say as much of themselves as is kept, or 2,000 streams.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Viewings in one answer, whatever was asked for.
const VIEWINGS_MAX: usize = 10_000;

/// Which streams.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamsAsked {
    /// One, or all.
    #[serde(default)]
    pub(super) channel: Option<ChannelName>,
}

/// Which viewings.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ViewingsAsked {
    /// Of one channel, or of all.
    #[serde(default)]
    pub(super) channel: Option<ChannelName>,
    /// At most so many.
    pub(super) limit: usize,
}

/// What is to be done.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Act {
    /// With the stream of this channel.
    pub(super) channel: ChannelName,
    pub(super) deed: Deed,
}

/// What is to be done with a stream.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Deed {
    /// Drop its publisher.
    Kick {
        /// The operator's.
        reason: String,
    },
    /// Drop its publisher if it came with this key.
    WithdrawKey {
        /// The key.
        key: KeyId,
    },
    /// End and forget it: its channel was deleted.
    Remove,
}

impl Own {
    /// The streams that this node has.
    pub(super) async fn streams(&self, asked: &StreamsAsked) -> Vec<StreamInfo> {
        match &asked.channel {
            None => self.streams.list().await,
            Some(channel) => vec![self.streams.info(channel).await],
        }
    }

    pub(super) fn viewings(&self, asked: &ViewingsAsked) -> Vec<Viewing> {
        self.viewings.list(asked.channel.as_ref(), asked.limit.min(VIEWINGS_MAX))
    }

    pub(super) async fn act(&self, act: Act) -> bool {
        let Act { channel, deed } = act;
        match deed {
            Deed::Kick { reason } => self.streams.kick(&channel, StopReason::Kicked(reason)).await,
            Deed::WithdrawKey { key } => self.streams.withdraw_key(&channel, key).await,
            Deed::Remove => self.streams.remove(&channel).await,
        }
    }
}

/// Answers from now on. The link lets members only come this far.
pub(super) fn serve(link: &Link, own: &Own) {
    let limits = Kind { request_bytes_max: QUESTION_BYTES_MAX, answer_bytes_max: ANSWER_BYTES_MAX };
    let this = own.clone();
    link.on_request(STREAMS, limits, move |_, body| {
        let this = this.clone();
        Box::pin(async move {
            let mut streams = this.streams(&parsed(&body)?).await;
            streams.retain(|stream| stream.state != StreamState::Offline);
            encoded(&streams)
        })
    });
    let this = own.clone();
    link.on_request(VIEWINGS, limits, move |_, body| {
        let answer = parsed(&body).and_then(|asked| encoded(&this.viewings(&asked)));
        Box::pin(std::future::ready(answer))
    });
    let this = own.clone();
    link.on_request(ACT, limits, move |_, body| {
        let this = this.clone();
        Box::pin(async move { encoded(&this.act(act(&body)?).await) })
    });
}

/// A reason is shown to people, whoever sent it.
fn act(body: &[u8]) -> Result<Act, Refusal> {
    let act: Act = parsed(body)?;
    if let Deed::Kick { reason } = &act.deed {
        one_line("reason", reason).map_err(|error| Refusal::new("malformed", error.to_string()))?;
    }
    Ok(act)
}
