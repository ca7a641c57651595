//! What happens to sessions is told where it is made so, once, whoever wanted it: an operator, a viewer's page, or the
//! session itself.

use std::sync::Arc;

use weir_model::AccountId;
use weir_session::session::why;
use weir_session::{Command, Party, Session};

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
    let (after, changed) = store.change_session(command.clone()).await?;
    if !changed {
        return Ok(after);
    }
    let name = |id: AccountId| {
        store.account(&id.to_string()).map_or_else(|_| id.to_string(), |one| one.name.to_string())
    };
    for (kind, text, mut fields) in news(&command, &after, &name) {
        fields.push(("session", after.id.to_string()));
        let fields: Vec<(&str, String)> = fields.into_iter().chain(said.iter().cloned()).collect();
        events.emit(kind, Some(&after.channel), text, &fields);
    }
    Ok(after)
}

/// What `command` brought about in the session that is `after` it: others may have changed that meanwhile.
fn news(command: &Command, after: &Session, name: &dyn Fn(AccountId) -> String) -> Vec<News> {
    let channel = &after.channel;
    let left = |party: &Party| {
        let (account, why) = (party.account, party.left.map_or("", |left| why(left.why)));
        let text = format!("account {} left the session on {channel}", name(account));
        ("session.left", text, vec![("account", account.to_string()), ("why", why.to_owned())])
    };
    match command {
        Command::Offer(_) => {
            let text = format!("a private session is offered on channel {channel}");
            vec![("session.offered", text, Vec::new())]
        }
        Command::Join { account, .. } => {
            let text = format!("account {} joined a session on {channel}", name(*account));
            vec![("session.joined", text, vec![("account", account.to_string())])]
        }
        Command::Leave { party, .. } => after.party(*party).map(left).into_iter().collect(),
        Command::Begin { .. } => {
            let text = format!("the stream of channel {channel} is a private session's");
            vec![("session.began", text, Vec::new())]
        }
        Command::End { why: because, .. } => {
            let with_it = after.parties.iter().filter(|party| party.left == after.ended);
            let text = format!("the private session on channel {channel} was ended");
            let ended = ("session.ended", text, vec![("why", why(*because).to_owned())]);
            with_it.map(left).chain([ended]).collect()
        }
        Command::Admit { .. } | Command::Settle { .. } | Command::Unveil { .. } => Vec::new(),
    }
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

    fn offer() -> Offer {
        let (prices, invited, host) = (vec![price()], Vec::new(), AccountId(1));
        let (channel, at) = ("demo".parse().unwrap(), Timestamp(1));
        Offer { id: ID, channel, host, fee_bps: 0, prices, invited, at }
    }

    fn offered() -> Session {
        offer().made().unwrap()
    }

    /// What is told of a change, by kinds; and the session after it.
    fn told(before: &Session, command: &Command) -> (Vec<&'static str>, Session) {
        let after = before.after(command).unwrap().unwrap();
        let news = news(command, &after, &|id| id.to_string());
        (news.into_iter().map(|(kind, ..)| kind).collect(), after)
    }

    #[test]
    fn a_session_is_told_from_its_offer_to_its_end_each_step_once() {
        let at = Timestamp(2);
        let session = offered();
        let offers = Command::Offer(offer());
        assert_eq!(news(&offers, &session, &|_| String::new())[0].0, "session.offered");
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
        assert_eq!(session.after(&end).unwrap(), None, "what changes nothing is not told");
    }

    #[test]
    fn who_left_and_why_is_said() {
        let at = Timestamp(2);
        let cap = 900.try_into().unwrap();
        let join = Command::Join { session: ID, account: ANN, price: 0, shown: price(), cap, at };
        let (_, joined) = told(&offered(), &join);
        let leave = Command::Leave { session: ID, party: 0, why: Halt::Balance, at };
        let left = joined.after(&leave).unwrap().unwrap();
        let (kind, text, fields) = news(&leave, &left, &|_| "ann".into()).remove(0);
        assert_eq!((kind, text.as_str()), ("session.left", "account ann left the session on demo"));
        assert!(fields.contains(&("why", "balance".into())), "{fields:?}");
    }
}
