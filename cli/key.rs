//! `weir key`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::{CreateKey, CreatedKey};
use weir_model::time::span_ms;
use weir_model::{ChannelName, KeyId, StreamKey, Timestamp};

use crate::exit::{Exit, Failure};
use crate::filter;
use crate::output::{Sheet, Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir key create demo -o json | jq -r .key\n  weir key list demo";

/// What can be done with stream keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Makes a key and shows it this once.
    #[command(after_help = "Examples:\n  weir key create demo --label 'OBS at home'\n  \
                            weir key create demo --expires 30d -o json")]
    Create {
        /// The channel it publishes into.
        channel: ChannelName,
        #[command(flatten)]
        wishes: Wishes,
    },
    /// Lists the keys of a channel, without their secrets.
    #[command(after_help = "Examples:\n  weir key list demo\n  weir key list demo -o jsonl\n  \
                            weir key list demo --filter 'revoked_at==none and expires_at<7d'")]
    List {
        /// Which channel.
        channel: ChannelName,
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::KEY))]
        filter: Option<Filter>,
    },
    /// Revokes a key and makes one in its place; a publisher that came with the old one is dropped.
    #[command(after_help = "Examples:\n  weir key rotate demo\n  \
                            weir key rotate demo key_0123456789abcdef --yes -o json")]
    Rotate {
        /// Whose key.
        channel: ChannelName,
        /// Which key; may be left out when only one works.
        key: Option<KeyId>,
        #[command(flatten)]
        wishes: Wishes,
    },
    /// Revokes a key for ever; a publisher that came with it is dropped.
    #[command(after_help = "Examples:\n  weir key revoke demo key_0123456789abcdef\n  \
                            weir key revoke demo --yes --reason leaked")]
    Revoke {
        /// Whose key.
        channel: ChannelName,
        /// Which key; may be left out when only one works.
        key: Option<KeyId>,
    },
}

/// What a new key shall be.
#[derive(Debug, clap::Args)]
pub(crate) struct Wishes {
    /// Which encoder holds it.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// When it stops to work: 90m, 12h, 30d, or an instant like 2030-01-01T00:00:00Z.
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<Expiry>,
}

/// The end of a key or a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    At(Timestamp),
    AfterMs(i64),
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::Create { channel, wishes } => {
            let body = wishes.body(session.view.now);
            let made = session.client.create_key(&channel, &body, &session.mutation()).await?;
            show_made(session, &made)
        }
        Verb::List { channel, filter } => {
            let keys = session.client.keys(&channel).await?;
            let keys = filter::fitting(filter.as_ref(), keys, session.view.now);
            let text = session.view.list(&keys, || table(&keys, &session.view));
            session.print(&text)
        }
        Verb::Rotate { channel, key, wishes } => {
            let key = only_key(session, &channel, key).await?;
            let question = format!("Replace {key} of channel {channel}? Its publisher is dropped.");
            session.confirm(&question).await?;
            let body = wishes.body(session.view.now);
            let made = session.client.rotate_key(&channel, key, &body, &session.mutation()).await?;
            show_made(session, &made)
        }
        Verb::Revoke { channel, key } => {
            let key = only_key(session, &channel, key).await?;
            let question = format!("Revoke {key} of channel {channel}? Its publisher is dropped.");
            session.confirm(&question).await?;
            let key = session.client.revoke_key(&channel, key, &session.mutation()).await?;
            let text = session.view.one(&key, || Sheet(sheet(&key, &session.view)));
            session.print(&text)
        }
    }
}

fn show_made(session: &mut Session<'_>, made: &CreatedKey) -> Done {
    let text = session.view.one(made, || made_sheet(made, &session.view));
    session.print(&text)?;
    if !session.dry_run() {
        session.say("the key is shown this once; give it to the encoder as the stream name");
    }
    Ok(())
}

/// The key that is meant when none is named.
async fn only_key(
    session: &Session<'_>,
    channel: &ChannelName,
    named: Option<KeyId>,
) -> Result<KeyId, Failure> {
    if let Some(key) = named {
        return Ok(key);
    }
    let keys = session.client.keys(channel).await?;
    let mut working = keys.iter().filter(|key| key.check(session.view.now).is_ok());
    match (working.next(), working.next()) {
        (Some(key), None) => Ok(key.id),
        (None, _) => {
            let message = format!("channel {channel} has no key that works");
            Err(Failure::new(Exit::NotFound, message).hint(format!("weir key list {channel}")))
        }
        (Some(_), Some(_)) => {
            let message = format!("channel {channel} has several keys that work; name one");
            Err(Failure::new(Exit::Usage, message).hint(format!("weir key list {channel}")))
        }
    }
}

impl Expiry {
    /// As an instant.
    pub(crate) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::AfterMs(ms) => now.plus_ms(ms),
        }
    }
}

impl Wishes {
    fn body(self, now: Timestamp) -> CreateKey {
        let expires_at = self.expires.map(|expires| expires.at(now));
        CreateKey { label: self.label, expires_at }
    }
}

pub(crate) fn expiry(text: &str) -> Result<Expiry, String> {
    if let Ok(at) = text.parse() {
        return Ok(Expiry::At(at));
    }
    let span = span_ms(text).filter(|ms| *ms > 0);
    span.map(Expiry::AfterMs)
        .ok_or_else(|| "expected a span like 90m, 12h, 30d or an RFC 3339 instant".into())
}

/// Whether a key works, in one word.
pub(crate) fn state(key: &StreamKey, view: &View) -> &'static str {
    match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(end)) if end <= view.now => "expired",
        _ => "works",
    }
}

fn table(keys: &[StreamKey], view: &View) -> Table {
    let rows = keys.iter().map(|key| {
        vec![
            key.id.to_string(),
            state(key, view).into(),
            key.label.clone(),
            view.ago(key.created_at),
            key.expires_at.map(|end| view.ago(end)).unwrap_or_default(),
        ]
    });
    Table { header: vec!["ID", "STATE", "LABEL", "CREATED", "EXPIRES"], rows: rows.collect() }
}

fn sheet(key: &StreamKey, view: &View) -> Vec<(&'static str, String)> {
    vec![
        ("id", key.id.to_string()),
        ("channel", key.channel.to_string()),
        ("state", state(key, view).into()),
        ("label", key.label.clone()),
        ("expires", key.expires_at.map(|end| view.ago(end)).unwrap_or_default()),
    ]
}

fn made_sheet(made: &CreatedKey, view: &View) -> Sheet {
    let secret = if made.key.is_empty() { "(dry run)" } else { &made.key };
    let mut rows = vec![("server", made.server.clone()), ("key", secret.to_owned())];
    rows.extend(sheet(&made.info, view));
    Sheet(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_a_span_or_an_instant() {
        assert_eq!(expiry("90m"), Ok(Expiry::AfterMs(5_400_000)));
        assert_eq!(expiry("30d"), Ok(Expiry::AfterMs(2_592_000_000)));
        assert_eq!(expiry("1970-01-01T00:00:01Z"), Ok(Expiry::At(Timestamp(1000))));
        for wrong in ["", "d", "-1d", "0h", "99999999999999999d", "tomorrow"] {
            assert!(expiry(wrong).is_err(), "{wrong}");
        }
    }
}
