//! The one place that says whether a request may watch, and what.
//!
//! [`seen`] does a request's work for what its viewer may be given ([`view`]): everything of a public stream, what is
//! of a private session to its parties only, of a channel that is sold to whoever has bought it (which the directory
//! says, here: [`weir_session::pass`]), and to nobody what belongs to a session that is over. A request that had to wait
//! is judged again before its answer goes out: what was taken back meanwhile is not given. [`admit`] counts viewings and bounds them.

mod view;
mod who;

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use weir_model::{ChannelName, ViewingId};

pub use self::view::View;
use self::view::{Blocked, decide, through};
pub use self::who::{Known, Viewer, known};
use super::Context;
use crate::actors::clock;
use crate::actors::streams::PublicStream;
use crate::actors::viewings::{Verdict, Visit};

/// A request that waits looks at sessions no more often than this: there may be many of both.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Why a request may not watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An operator ended the viewing.
    #[error("an operator ended this viewing")]
    Kicked,
    /// A session has the stream.
    #[error("the channel is in a private session; whoever takes part in it signs in to watch")]
    Private,
    /// The channel is its members'.
    #[error(
        "this channel is for its members; become one (`weir member join`) and sign in to watch"
    )]
    Members,
    /// A ticket opens the channel.
    #[error("a ticket opens this channel; buy one (`weir ticket buy`) and sign in to watch")]
    Ticket,
    /// It is not known yet who may watch.
    #[error("this node does not know yet who may watch; ask again")]
    Unheard,
    /// The viewer's address has its share of viewings.
    #[error("too many viewers watch from your address; try again in a while")]
    AddressFull,
    /// The channel has its share of the cluster's viewings.
    #[error("this channel has as many viewers as it may; try again in a while")]
    ChannelFull,
    /// The account watches on as many players as it may.
    #[error("this account watches on as many players as it may; stop one of them")]
    AccountFull,
    /// The node serves as many viewings as it may.
    #[error("this node serves as many viewers as it may; try again in a while")]
    Full,
}

impl Refusal {
    /// It in a word, for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Kicked => "kicked",
            Self::Private => "private",
            Self::Members => "members",
            Self::Ticket => "ticket",
            Self::Unheard => "unheard",
            Self::AddressFull => "address_full",
            Self::ChannelFull => "channel_full",
            Self::AccountFull => "account_full",
            Self::Full => "full",
        }
    }
}

/// What a viewer may be given of a stream now. For a public stream this is one look at the directory.
///
/// # Errors
/// Why it may be given nothing.
pub fn view(
    context: &Context,
    stream: &PublicStream,
    viewer: &Viewer<'_>,
) -> Result<View, Refusal> {
    let lookup = context.lookup.as_ref();
    // In this order: what is heard of meanwhile is in the screen.
    let shade = stream.window.shade();
    let heard = shade.session.is_none_or(|session| lookup.knows_veil(session));
    let screen = lookup.screen(&stream.channel);
    let mut known = None;
    let decided = decide(screen.as_deref(), shade, heard, || {
        known.insert(self::known(context, &stream.channel, viewer)).account()
    });
    let decided = decided.and_then(|view| {
        through(view, lookup.door(&stream.channel), || {
            let known = known.insert(self::known(context, &stream.channel, viewer));
            let admits = |account| lookup.admits(&stream.channel, account, clock::now());
            known.account().is_some_and(admits)
        })
    });
    match decided {
        Ok(View::Party(_) | View::Sold(_))
            if known.is_some_and(|known| context.viewings.kicked(known.id)) =>
        {
            Err(Refusal::Kicked)
        }
        Ok(view) => Ok(view),
        Err(Blocked::Private) => Err(Refusal::Private),
        Err(Blocked::Unheard) => Err(Refusal::Unheard),
        Err(Blocked::Members) => Err(Refusal::Members),
        Err(Blocked::Ticket) => Err(Refusal::Ticket),
    }
}

/// Does `work` for what the viewer may be given, and again when that changed meanwhile. What a party of a session asks
/// for is a sign that its player takes the stream.
///
/// # Errors
/// Why the viewer may be given nothing.
pub async fn seen<F: Future>(
    context: &Context,
    stream: &PublicStream,
    viewer: &Viewer<'_>,
    work: impl Fn(View) -> F,
) -> Result<(View, F::Output), Refusal> {
    let mut news = News::default();
    loop {
        let view = heard(context, stream, viewer, &mut news).await?;
        if let View::Party(_) = view
            && !viewer.head
        {
            note_played(context, stream, viewer);
        }
        let mut work = pin!(work(view));
        let done = loop {
            // In this order: whoever is answered at once need not listen.
            tokio::select! {
                biased;
                done = &mut work => break Some(done),
                () = news.next(context) => {
                    if self::view(context, stream, viewer) != Ok(view) {
                        break None;
                    }
                }
            }
        };
        if let Some(done) = done
            && self::view(context, stream, viewer) == Ok(view)
        {
            return Ok((view, done));
        }
    }
}

fn note_played(context: &Context, stream: &PublicStream, viewer: &Viewer<'_>) {
    let session = context.lookup.screen(&stream.channel).and_then(|screen| screen.session());
    let account = known(context, &stream.channel, viewer).account();
    if let (Some(session), Some(account)) = (session, account) {
        context.meetings.played(session, account);
    }
}

/// Media may be quicker than the news of whose it is: waits a moment for those.
async fn heard(
    context: &Context,
    stream: &PublicStream,
    viewer: &Viewer<'_>,
    news: &mut News,
) -> Result<View, Refusal> {
    let first = view(context, stream, viewer);
    if first != Err(Refusal::Unheard) {
        return first;
    }
    let told = async {
        loop {
            // That there is a channel is no news of a session.
            tokio::select! {
                () = news.next(context) => {}
                () = tokio::time::sleep(LOOK_PAUSE) => {}
            }
            let now = view(context, stream, viewer);
            if now != Err(Refusal::Unheard) {
                return now;
            }
        }
    };
    tokio::time::timeout(context.config.start_hold(), told).await.unwrap_or(first)
}

/// Changes of sessions, for a request that waits.
#[derive(Default)]
struct News {
    changes: Option<watch::Receiver<u64>>,
    looked: bool,
}

impl News {
    /// Returns when there may be some: at first at once, because nobody listened before.
    async fn next(&mut self, context: &Context) {
        let Some(changes) = &mut self.changes else {
            self.changes = Some(context.lookup.session_changes());
            return;
        };
        if std::mem::replace(&mut self.looked, true) {
            tokio::time::sleep(LOOK_PAUSE).await;
        }
        if changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Counts the request of a media playlist for its viewing. Who asks for a head watches nothing and is not
/// counted.
///
/// # Errors
/// Why the viewer may not watch.
pub fn admit(
    context: &Context,
    channel: &ChannelName,
    viewer: &Viewer<'_>,
    known: &Known,
) -> Result<ViewingId, Refusal> {
    let id = known.id;
    if viewer.head {
        return if context.viewings.kicked(id) { Err(Refusal::Kicked) } else { Ok(id) };
    }
    let Viewer { remote, player, .. } = *viewer;
    let visit = Visit { channel, account: known.account(), protocol: "hls", remote, player };
    match context.viewings.touch(id, visit) {
        Verdict::Go => Ok(id),
        Verdict::Kicked => Err(Refusal::Kicked),
        Verdict::Full => Err(Refusal::Full),
        Verdict::AddressFull => Err(Refusal::AddressFull),
        Verdict::ChannelFull => Err(Refusal::ChannelFull),
        Verdict::AccountFull => Err(Refusal::AccountFull),
    }
}
