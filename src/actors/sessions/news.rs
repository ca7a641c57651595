//! What happens to sessions is told where it is made so, once, whoever wanted it: an operator, a viewer's page, or the
//! session itself.

use std::sync::Arc;

use weir_model::AccountId;
use weir_session::session::why;
use weir_session::{Command, Session};

use crate::actors::events::Events;
use crate::store::{Store, StoreError};

/// Something that happened: its kind, what it says, and what it is about.
type News = (&'static str, String, Vec<(&'static str, String)>);

/// Changes a session and tells what that brought about, with what else is to be `said` of it.
///
/// # Errors
/// When the rules forbid it, or the cluster takes no changes.
pub async fn change(
    store: &Store,
    events: &Events,
    command: Command,
    said: &[(&str, String)],
) -> Result<Arc<Session>, StoreError> {
    let before = store.session(command.session());
    let after = store.change_session(command).await?;
    let name = |id: AccountId| {
        store.account(&id.to_string()).map_or_else(|_| id.to_string(), |one| one.name.to_string())
    };
    for (kind, text, mut fields) in news(before.as_deref(), &after, &name) {
        fields.push(("session", after.id.to_string()));
        let fields: Vec<(&str, String)> = fields.into_iter().chain(said.iter().cloned()).collect();
        events.emit(kind, Some(&after.channel), text, &fields);
    }
    Ok(after)
}

fn news(
    before: Option<&Session>,
    after: &Session,
    name: &dyn Fn(AccountId) -> String,
) -> Vec<News> {
    let channel = &after.channel;
    let Some(before) = before else {
        let text = format!("a private session is offered on channel {channel}");
        return vec![("session.offered", text, Vec::new())];
    };
    let mut all = Vec::new();
    for (nth, party) in after.parties.iter().enumerate() {
        let (known, account) = (before.parties.get(nth), party.account);
        let who = name(account);
        if known.is_none() {
            let text = format!("account {who} joined a session on {channel}");
            all.push(("session.joined", text, vec![("account", account.to_string())]));
        }
        if let Some(left) = party.left.filter(|_| known.is_none_or(|known| known.left.is_none())) {
            let fields = vec![("account", account.to_string()), ("why", why(left.why).into())];
            all.push((
                "session.left",
                format!("account {who} left the session on {channel}"),
                fields,
            ));
        }
    }
    if before.began_at.is_none() && after.began_at.is_some() {
        let text = format!("the stream of channel {channel} is a private session's");
        all.push(("session.began", text, Vec::new()));
    }
    if let Some(ended) = after.ended.filter(|_| before.ended.is_none()) {
        let text = format!("the private session on channel {channel} was ended");
        all.push(("session.ended", text, vec![("why", why(ended.why).into())]));
    }
    all
}

#[cfg(test)]
mod tests {
    use weir_ledger::meter::{Halt, Mode, Tariff};
    use weir_model::{SessionId, Timestamp};
    use weir_session::{Offer, Price};

    use super::*;

    const ANN: AccountId = AccountId(5);
    const ID: SessionId = SessionId(7);

    fn price() -> Price {
        let rate = 600.try_into().unwrap();
        let mode = Mode::ProRata { granule_ms: 1_000 };
        let tariff = Tariff { rate, mode, min_seconds: 0, free_ms: 0 };
        Price { name: "guest".into(), tariff, places: 1 }
    }

    fn offered() -> Session {
        let (prices, invited, host) = (vec![price()], Vec::new(), AccountId(1));
        let (channel, at) = ("demo".parse().unwrap(), Timestamp(1));
        Offer { id: ID, channel, host, fee_bps: 0, prices, invited, at }.made().unwrap()
    }

    /// What is told of a change, by kinds; and the session after it.
    fn told(before: &Session, command: &Command) -> (Vec<&'static str>, Session) {
        let after = before.after(command).unwrap().unwrap_or_else(|| before.clone());
        let news = news(Some(before), &after, &|id| id.to_string());
        (news.into_iter().map(|(kind, ..)| kind).collect(), after)
    }

    #[test]
    fn a_session_is_told_from_its_offer_to_its_end_each_step_once() {
        let at = Timestamp(2);
        let session = offered();
        assert_eq!(news(None, &session, &|_| String::new())[0].0, "session.offered");
        let cap = 900.try_into().unwrap();
        let join = Command::Join { session: ID, account: ANN, price: 0, shown: price(), cap, at };
        let (kinds, session) = told(&session, &join);
        assert_eq!(kinds, ["session.joined"]);
        let (kinds, session) = told(&session, &Command::Admit { session: ID, party: 0 });
        assert_eq!(kinds, [""; 0], "that it can pay is told with what it gets");
        let (kinds, session) = told(&session, &Command::Begin { session: ID, from: 3, at });
        assert_eq!(kinds, ["session.began"]);
        let end = Command::End { session: ID, why: Halt::Streamer, at };
        let (kinds, session) = told(&session, &end);
        assert_eq!(kinds, ["session.left", "session.ended"]);
        assert_eq!(told(&session, &end).0, [""; 0]);
    }

    #[test]
    fn who_left_and_why_is_said() {
        let at = Timestamp(2);
        let cap = 900.try_into().unwrap();
        let join = Command::Join { session: ID, account: ANN, price: 0, shown: price(), cap, at };
        let (_, joined) = told(&offered(), &join);
        let leave = Command::Leave { session: ID, party: 0, why: Halt::Balance, at };
        let left = joined.after(&leave).unwrap().unwrap();
        let (kind, text, fields) = news(Some(&joined), &left, &|_| "ann".into()).remove(0);
        assert_eq!((kind, text.as_str()), ("session.left", "account ann left the session on demo"));
        assert!(fields.contains(&("why", "balance".into())), "{fields:?}");
    }
}
