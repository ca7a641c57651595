//! What can be asked about each noun: the fields of its JSON, and what each holds.
//!
//! A table and not a look at the rows, so that a misspelt name is found before there is a row. A test compares every
//! table with what the noun's JSON really holds.

/// What a field holds, and so what it can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Free text.
    Text,
    /// An RFC 6381 codec string; the name people use fits too (`h264`).
    Codec,
    /// A number: a rate in bits per second, a size, a count; an amount of money, which is a text in JSON.
    Number,
    /// `true` or `false`.
    Flag,
    /// One of these words, lowest first.
    Word(&'static [&'static str]),
    /// An instant that lies behind; a span means how long ago.
    Since,
    /// An instant that lies ahead; a span means how long until then.
    Until,
    /// Something with parts: it is there, or not.
    Whole,
    /// Names with texts; each name is a field of its own.
    Named,
}

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// As in the JSON; parts of a part behind a dot.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// The fields of a noun.
pub type Fields = &'static [Field];

macro_rules! fields {
    ($($name:literal $kind:expr),+ $(,)?) => { &[$(Field { name: $name, kind: $kind }),+] };
}

use Kind::{Codec, Flag, Named, Number, Since, Text, Until, Whole, Word};

const LEVELS: Kind = Word(&["ok", "warning", "bad"]);

const COUNTING: Kind = Word(&["second", "6s", "minute", "started_minute"]);

const HALTS: Kind = Word(&[
    "viewer",
    "streamer",
    "operator",
    "viewer_gone",
    "streamer_gone",
    "balance",
    "ledger",
    "cap",
]);

/// `weir audit list`.
pub const AUDIT_ENTRY: Fields = fields![
    "seq" Number,
    "at" Since,
    "by" Text,
    "name" Text,
    "action" Text,
    "target" Text,
    "detail" Text,
    "token" Text,
    "reason" Text,
    "outcome" Word(&["begun", "failed"]),
    "of" Number,
    "why" Text,
    "hash" Text,
];

/// `weir ledger tail`.
pub const LEDGER_RECORD: Fields = fields![
    "seq" Number,
    "at" Since,
    "what" Text,
    "by" Text,
    "reason" Text,
    "refused" Text,
    "postings" Whole,
    "postings.account" Text,
    "postings.stage" Text,
    "postings.debit" Number,
    "postings.credit" Number,
    "charges" Text,
    "hash" Text,
];

/// `weir ledger trial-balance`.
pub const ACCOUNT_BALANCE: Fields = fields![
    "account" Text,
    "class" Word(&["assets", "liabilities", "income", "expenses"]),
    "debits" Number,
    "credits" Number,
    "reserved" Number,
    "balance" Number,
    "standing" Word(&["open", "frozen", "closed"]),
];

/// `weir payout list`.
pub const PAYOUT: Fields = fields![
    "id" Text,
    "account" Text,
    "amount" Number,
    "provider" Text,
    "state" Word(&["open", "paid", "failed"]),
    "told" Whole,
    "told.state" Word(&["trying", "sent", "failed"]),
    "told.tries" Number,
    "told.at" Since,
    "told.error" Text,
    "seq" Number,
    "at" Since,
];

/// `weir approval list`.
pub const APPROVAL: Fields = fields![
    "id" Text,
    "what" Text,
    "amount" Number,
    "currency" Text,
    "then" Text,
    "reason" Text,
    "right" Text,
    "by" Text,
    "name" Text,
    "at" Since,
    "expires_at" Until,
    "state" Word(&["open", "confirmed", "done", "rejected", "expired"]),
    "decided_by" Text,
    "decided_at" Since,
    "seq" Number,
    "next" Text,
];

/// `weir provider list`.
pub const PROVIDER: Fields = fields![
    "name" Text,
    "url" Text,
    "waiting" Number,
    "stopped" Number,
    "oldest_at" Since,
    "seq" Number,
    "at" Since,
    "pending" Text,
    "available" Text,
    "reported" Whole,
    "reported.at" Since,
    "reported.pending" Text,
    "reported.available" Text,
    "taken" Number,
    "refused" Number,
];

/// `weir session list`.
pub const SESSION: Fields = fields![
    "id" Text,
    "channel" Text,
    "host" Text,
    "state" Word(&["offered", "live", "ended"]),
    "currency" Text,
    "fee_bps" Number,
    "prices" Whole,
    "prices.name" Text,
    "prices.rate" Number,
    "prices.count" COUNTING,
    "prices.min_seconds" Number,
    "prices.free_seconds" Number,
    "prices.places" Number,
    "prices.taken" Number,
    "invited" Text,
    "parties" Whole,
    "parties.account" Text,
    "parties.name" Text,
    "parties.price" Text,
    "parties.cap" Number,
    "parties.charge" Text,
    "parties.joined_at" Since,
    "parties.left_at" Since,
    "parties.left_why" HALTS,
    "parties.settled" Flag,
    "parties.billed" Number,
    "parties.delivered_seconds" Number,
    "parties.paused" HALTS,
    "parties.left_seconds" Number,
    "offered_at" Since,
    "began_at" Since,
    "ended_at" Since,
    "ended_why" HALTS,
];

/// `weir stream list`.
pub const STREAM: Fields = fields![
    "channel" Text,
    "state" Word(&["offline", "live", "ended"]),
    "playable" Flag,
    "bitrate" Number,
    "viewers" Number,
    "health" LEVELS,
    "since" Since,
    "grace_until" Until,
    "show" Text,
    "msn" Number,
    "reconnects" Number,
    "skipped_frames" Number,
    "node" Whole,
    "node.id" Text,
    "node.name" Text,
    "publisher" Whole,
    "publisher.protocol" Text,
    "publisher.remote" Text,
    "publisher.encoder" Text,
    "publisher.key" Text,
    "publisher.since" Since,
    "tracks" Whole,
    "tracks.id" Text,
    "tracks.kind" Text,
    "tracks.codec" Codec,
    "tracks.width" Number,
    "tracks.height" Number,
    "tracks.fps" Number,
    "tracks.sample_rate" Number,
    "tracks.channels" Number,
    "tracks.bitrate" Number,
    "bitrate_history" Number,
    "findings" Whole,
    "findings.code" Text,
    "findings.level" LEVELS,
    "findings.text" Text,
    "findings.advice" Text,
];

/// `weir viewing list`.
pub const VIEWING: Fields = fields![
    "id" Text,
    "channel" Text,
    "node" Whole,
    "node.id" Text,
    "node.name" Text,
    "protocol" Text,
    "remote" Text,
    "player" Text,
    "since" Since,
    "last_seen" Since,
    "requests" Number,
];

/// `weir channel list`.
pub const CHANNEL: Fields = fields![
    "name" Text,
    "title" Text,
    "owner" Text,
    "created_at" Since,
    "access" Whole,
    "access.kind" Word(&["public", "members", "ticket"]),
    "access.price" Text,
    "access.currency" Text,
    "access.period_secs" Number,
];

/// `weir member list`.
pub const MEMBER: Fields = fields![
    "channel" Text,
    "account" Text,
    "name" Text,
    "until" Until,
    "renews" Flag,
];

/// `weir ticket list`.
pub const TICKET_EVENT: Fields = fields![
    "id" Text,
    "price" Text,
    "currency" Text,
    "capacity" Number,
    "sold" Number,
    "state" Word(&["open", "delivered", "cancelled"]),
    "creator" Text,
];

/// `weir key list`.
pub const KEY: Fields = fields![
    "id" Text,
    "channel" Text,
    "label" Text,
    "created_at" Since,
    "expires_at" Until,
    "revoked_at" Since,
];

/// `weir account list`.
pub const ACCOUNT: Fields = fields![
    "id" Text,
    "name" Text,
    "roles" Text,
    "password" Flag,
    "created_at" Since,
    "disabled_at" Since,
];

/// `weir token list`.
pub const TOKEN: Fields = fields![
    "id" Text,
    "account" Text,
    "account_name" Text,
    "kind" Word(&["login", "api"]),
    "label" Text,
    "scopes" Text,
    "channel" Text,
    "created_at" Since,
    "expires_at" Until,
];

/// `weir event list` and `weir event follow`.
pub const EVENT: Fields = fields![
    "cursor" Number,
    "at" Since,
    "kind" Text,
    "channel" Text,
    "text" Text,
    "fields" Named,
];

/// `weir node list`.
pub const NODE: Fields = fields![
    "id" Text,
    "name" Text,
    "state" Word(&["joining", "up", "suspect", "fenced", "removed"]),
    "duty" Word(&["serving", "cordoned", "draining"]),
    "roles" Text,
    "voter" Flag,
    "leader" Flag,
    "zone" Text,
    "link" Text,
    "publish_urls" Text,
    "watch_urls" Text,
    "version" Text,
    "incarnation" Number,
    "heard_ms" Number,
    "clock_skew_ms" Number,
    "leases" Number,
    "load" Whole,
    "load.cpu" Number,
    "load.disk_free" Number,
    "load.disk_low" Flag,
    "load.memory" Number,
    "load.network" Number,
    "load.ingest_bitrate" Number,
    "load.egress_bitrate" Number,
    "load.streams" Number,
    "load.publishers" Number,
    "load.viewers" Number,
    "lag" Number,
    "links_up" Number,
    "links_down" Number,
];

/// `weir cluster links`.
pub const LINK: Fields = fields![
    "from" Text,
    "from_name" Text,
    "to" Text,
    "to_name" Text,
    "remote" Text,
    "lane" Text,
    "state" Word(&["down", "connecting", "up"]),
    "since" Since,
    "rtt_us" Number,
    "loss_ppm" Number,
    "sent_bytes" Number,
    "received_bytes" Number,
    "streams" Number,
    "lag_ms" Number,
    "protocol" Number,
    "last_error" Text,
];

/// `weir actor list`.
pub const LEASE: Fields = fields![
    "actor" Text,
    "node" Text,
    "node_name" Text,
    "epoch" Number,
    "incarnation" Number,
    "since" Since,
];

/// `weir cluster replicas`.
pub const REPLICA: Fields = fields![
    "channel" Text,
    "node" Text,
    "node_name" Text,
    "role" Word(&["origin", "edge", "replica"]),
    "from" Text,
    "from_name" Text,
    "hops" Text,
    "lag_ms" Number,
    "msn" Number,
    "viewers" Number,
];

/// The nodes in the agreement of `weir cluster status`.
pub const PEER: Fields = fields![
    "node" Text,
    "name" Text,
    "role" Word(&["leader", "follower", "candidate", "learner", "stopped"]),
    "voter" Flag,
    "matched" Number,
    "lag" Number,
];

/// `weir node invites`.
pub const INVITE: Fields = fields![
    "id" Text,
    "roles" Text,
    "created_at" Since,
    "expires_at" Until,
    "used_by" Text,
    "revoked_at" Since,
];

/// The background loops of `weir status`.
pub const LOOP: Fields = fields![
    "name" Text,
    "state" Word(&["stopped", "idle", "busy"]),
    "queue" Number,
    "done" Number,
    "errors" Number,
    "last_error" Text,
    "since" Since,
];

/// The field that is meant: by its whole name, or by its last part when that is enough.
pub(super) fn find(fields: Fields, name: &str) -> Option<Field> {
    let whole = fields.iter().find(|field| field.name == name);
    let part = || fields.iter().find(|field| last(field.name) == name);
    whole.or_else(part).copied()
}

/// The name that was probably meant.
pub(super) fn nearest(names: &[&'static str], typed: &str) -> Option<&'static str> {
    let typed = typed.to_lowercase();
    let far = |name: &str| {
        strsim::damerau_levenshtein(name, &typed)
            .min(strsim::damerau_levenshtein(last(name), &typed))
    };
    let best = names.iter().copied().min_by_key(|name| far(name))?;
    (far(best) * 2 <= typed.chars().count().max(2)).then_some(best)
}

fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// The name people use for an RFC 6381 codec string: `h264` for `avc1.64001f`.
#[must_use]
pub fn codec_name(codec: &str) -> &str {
    match codec.split('.').next().unwrap_or(codec) {
        "avc1" | "avc3" => "h264",
        "hvc1" | "hev1" => "hevc",
        "av01" => "av1",
        "mp4a" => "aac",
        "opus" | "Opus" => "opus",
        other => other,
    }
}
