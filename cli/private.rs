//! `weir session`: private sessions.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::session::{JoinSession, LeaveSession, OfferSession, Onlookers, SessionQuery};
use weir_model::session::{Counting, SessionInfo, SessionParty, SessionPrice, SessionState};
use weir_model::time::span_ms;
use weir_model::{ChannelName, SessionId};

use crate::exit::{Exit, Failure};
use crate::filter;
use crate::output::{Sheet, Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str = "Examples:\n  weir session start demo --rate 6.00 --with alice\n  weir session show ses_0123456789abcdef";

/// What can be done with private sessions.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists sessions, the newest first.
    #[command(after_help = "Examples:\n  weir session list --state live\n  \
                            weir session list --channel demo -o json\n  \
                            weir session list --filter 'ended_why==balance and ended_at<1h'")]
    List {
        /// Only sessions of this channel.
        #[arg(long)]
        channel: Option<ChannelName>,
        /// Only sessions that are so far: offered, live or ended.
        #[arg(long)]
        state: Option<SessionState>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::SESSION))]
        filter: Option<Filter>,
    },
    /// Shows a session: prices, and what each party was billed until now.
    #[command(after_help = "Examples:\n  weir session show ses_0123456789abcdef\n  \
                            weir session show ses_0123456789abcdef -o json | jq '.parties[].billed'")]
    Show {
        /// Which one.
        id: SessionId,
    },
    /// Offers a session on a channel; it begins when somebody has joined who can pay.
    #[command(after_help = "Examples:\n  \
                            weir session start demo --rate 6.00 --with alice --minimum 60s --free 10s\n  \
                            weir session start demo --rate 4.50 --onlookers 5 --onlooker-rate 0.60 --count 6s")]
    Start(Offer),
    /// Joins a session at the price that it shows.
    #[command(after_help = "Examples:\n  weir session join ses_0123456789abcdef --cap 20.00\n  \
                            weir session join ses_0123456789abcdef --cap 5.00 --price onlooker --rate 0.60 --as bob")]
    Join(Join),
    /// Leaves a session; who leaves himself pays its minimum at least.
    #[command(after_help = "Examples:\n  weir session leave ses_0123456789abcdef\n  \
                            weir session leave ses_0123456789abcdef --as bob --yes --reason abuse")]
    Leave {
        /// Which one.
        id: SessionId,
        /// Somebody else, by name or id.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: Option<String>,
    },
    /// Ends a session for everybody in it.
    #[command(after_help = "Examples:\n  weir session end ses_0123456789abcdef\n  \
                            weir session end ses_0123456789abcdef --yes --reason abuse")]
    End {
        /// Which one.
        id: SessionId,
    },
}

/// What is offered.
#[derive(Debug, clap::Args)]
pub(crate) struct Offer {
    /// On whose stream.
    channel: ChannelName,
    /// What a minute costs, in the ledger's currency.
    #[arg(long, value_name = "AMOUNT")]
    rate: String,
    /// Who may join, by name or id; everybody when absent.
    #[arg(long = "with", value_name = "ACCOUNT", value_delimiter = ',')]
    invited: Vec<String>,
    /// Paid at least when the viewer ends it.
    #[arg(long, value_name = "SPAN", default_value = "0s", value_parser = seconds)]
    minimum: u32,
    /// Not billed, once for each viewer.
    #[arg(long, value_name = "SPAN", default_value = "0s", value_parser = seconds)]
    free: u32,
    /// Guests at once.
    #[arg(long, default_value_t = 1)]
    places: u32,
    /// How many may only watch, for a price of their own.
    #[arg(long, value_name = "PLACES", requires = "onlooker_rate")]
    onlookers: Option<u32>,
    /// What a minute costs those who only watch.
    #[arg(long, value_name = "AMOUNT", requires = "onlookers")]
    onlooker_rate: Option<String>,
    /// How time is counted: second, 6s, minute or started_minute.
    #[arg(long, default_value_t = Counting::Second)]
    count: Counting,
}

/// What is agreed to.
#[derive(Debug, clap::Args)]
pub(crate) struct Join {
    /// Which one.
    id: SessionId,
    /// Pay so much at most.
    #[arg(long, value_name = "AMOUNT")]
    cap: String,
    /// The name of the price; the first when absent.
    #[arg(long, value_name = "NAME")]
    price: Option<String>,
    /// What a minute may cost; without it the price is looked up and asked about.
    #[arg(long, value_name = "AMOUNT")]
    rate: Option<String>,
    /// Somebody else, by name or id.
    #[arg(long = "as", value_name = "ACCOUNT")]
    account: Option<String>,
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    let how = session.mutation();
    let info = match verb {
        Verb::List { channel, state, limit, filter } => {
            return list(session, channel, state, limit, filter.as_ref()).await;
        }
        Verb::Show { id } => session.client.session(id).await?,
        Verb::Start(offer) => session.client.offer_session(&body(offer), &how).await?,
        Verb::Join(join) => joined(session, join).await?,
        Verb::Leave { id, account } => {
            session.confirm(&format!("Leave session {id}?")).await?;
            session.client.leave_session(id, &LeaveSession { account }, &how).await?
        }
        Verb::End { id } => {
            session.confirm(&format!("End session {id} for everybody in it?")).await?;
            session.client.end_session(id, &how).await?
        }
    };
    let text = session.view.one(&info, || sheet(&info, &session.view));
    session.print(&text)
}

async fn list(
    session: &mut Session<'_>,
    channel: Option<ChannelName>,
    state: Option<SessionState>,
    limit: usize,
    filter: Option<&Filter>,
) -> Done {
    let asked = filter::asked(filter, limit);
    let query = SessionQuery { channel, state, limit: Some(asked) };
    let sessions = session.client.sessions(&query).await?;
    let found = sessions.len();
    let mut sessions = filter::fitting(filter, sessions, session.view.now);
    sessions.truncate(limit);
    let text = session.view.list(&sessions, || table(&sessions, &session.view));
    session.print(&text)?;
    filter::say_if_cut(session, found, sessions.len() == limit);
    Ok(())
}

fn body(offer: Offer) -> OfferSession {
    let onlookers = offer.onlookers.zip(offer.onlooker_rate);
    OfferSession {
        channel: offer.channel,
        rate: offer.rate,
        count: Some(offer.count),
        min_seconds: offer.minimum,
        free_seconds: offer.free,
        places: Some(offer.places),
        onlookers: onlookers.map(|(places, rate)| Onlookers { rate, places }),
        invited: offer.invited,
    }
}

/// Joins at the price that was given, or at the one that was looked up and agreed to.
async fn joined(session: &mut Session<'_>, join: Join) -> Result<SessionInfo, Failure> {
    let Join { id, cap, price, rate, account } = join;
    let rate = match rate {
        Some(rate) => rate,
        None => {
            let shown = session.client.session(id).await?;
            let meant = |one: &&SessionPrice| price.as_ref().is_none_or(|name| *name == one.name);
            let found = shown.prices.iter().find(meant).cloned();
            let missing =
                || Failure::new(Exit::NotFound, format!("session {id} has no such price"));
            let found = found.ok_or_else(missing)?;
            let code = shown.currency.unwrap_or_default();
            let rate = &found.rate;
            session.confirm(&format!("Join for {rate} {code} a minute, {cap} at most?")).await?;
            found.rate
        }
    };
    let body = JoinSession { account, price, rate, cap };
    Ok(session.client.join_session(id, &body, &session.mutation()).await?)
}

fn seconds(text: &str) -> Result<u32, String> {
    let whole = span_ms(text).filter(|ms| ms % 1_000 == 0).map(|ms| ms / 1_000);
    let seconds = whole.and_then(|seconds| u32::try_from(seconds).ok());
    seconds.ok_or_else(|| format!("`{text}` is no span of whole seconds like 60s or 5m"))
}

fn table(sessions: &[SessionInfo], view: &View) -> Table {
    let header = vec!["ID", "CHANNEL", "STATE", "RATE", "PARTIES", "OFFERED", "WHY ENDED"];
    let rows = sessions.iter().map(|one| {
        let present = one.parties.iter().filter(|party| party.left_at.is_none()).count();
        vec![
            one.id.to_string(),
            one.channel.to_string(),
            one.state.to_string(),
            one.prices.first().map(|price| price.rate.clone()).unwrap_or_default(),
            format!("{present} of {}", one.parties.len()),
            view.ago(one.offered_at),
            one.ended_why.map(|why| why.to_string()).unwrap_or_default(),
        ]
    });
    Table { header, rows: rows.collect() }
}

fn sheet(info: &SessionInfo, view: &View) -> Sheet {
    let code = info.currency.as_deref().unwrap_or_default();
    let invited = info.invited.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let mut rows = vec![
        ("id", info.id.to_string()),
        ("channel", info.channel.to_string()),
        ("state", info.state.to_string()),
        ("offered", view.ago(info.offered_at)),
        ("platform's part", format!("{}.{:02} %", info.fee_bps / 100, info.fee_bps % 100)),
        ("invited", if invited.is_empty() { "everybody".into() } else { invited }),
    ];
    rows.extend(info.began_at.map(|at| ("began", view.ago(at))));
    let why = info.ended_why.map(|why| why.to_string()).unwrap_or_default();
    rows.extend(info.ended_at.map(|at| ("ended", format!("{}: {why}", view.ago(at)))));
    rows.extend(info.prices.iter().map(|price| ("price", priced(price, code))));
    rows.extend(info.parties.iter().map(|party| ("party", told(party, code))));
    Sheet(rows)
}

fn priced(price: &SessionPrice, code: &str) -> String {
    let SessionPrice { name, rate, count, min_seconds, free_seconds, places, taken } = price;
    format!(
        "{name}: {rate} {code} a minute by {count}, {min_seconds} s at least, {free_seconds} s free, {taken} of {places} taken"
    )
}

fn told(party: &SessionParty, code: &str) -> String {
    let who = party.name.as_ref().map_or_else(|| party.account.to_string(), ToString::to_string);
    let mut text = format!("{who} as {}", party.price);
    match (&party.billed, party.settled) {
        (Some(billed), true) => text += &format!(", paid {billed} {code}"),
        (Some(billed), false) => text += &format!(", {billed} of {} {code} until now", party.cap),
        (None, _) => text += &format!(", {} {code} at most", party.cap),
    }
    text += &party.delivered_seconds.map(|s| format!(" for {s} s")).unwrap_or_default();
    text += &party.left_seconds.map(|s| format!(", {s} s left")).unwrap_or_default();
    text += &party.paused.map(|why| format!(", paused: {why}")).unwrap_or_default();
    text += &party.left_why.map(|why| format!(", left: {why}")).unwrap_or_default();
    text + &format!(" ({})", party.charge)
}
