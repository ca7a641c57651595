//! A session in a page's words.

use weir_ledger::Currency;
use weir_ledger::meter::{Mode, Tariff};
use weir_model::AccountId;
use weir_model::api::meet::{MeetInfo, MeetPrice, MeetYou};
use weir_session::session::why;
use weir_session::{Price, Session, Stage, Standing};

/// Whether an account could still join.
pub(super) fn may_join(session: &Session, account: Option<AccountId>) -> bool {
    session.stage != Stage::Ended && account.is_some_and(|account| session.invites(account))
}

/// Whether an account, or somebody without one, hears of the session: when it is by invitation, only who is of it.
pub(super) fn is_told(session: &Session, account: Option<AccountId>) -> bool {
    let is_of_it = |account| {
        account == session.host
            || session.invites(account)
            || session.parties.iter().any(|party| party.account == account)
    };
    session.invited.is_empty() || account.is_some_and(is_of_it)
}

/// The session as it is offered.
pub(super) fn session(
    session: &Session,
    account: Option<AccountId>,
    currency: &Currency,
) -> MeetInfo {
    let prices = (0..).zip(&session.prices);
    let stage = match session.stage {
        Stage::Offered => "offered",
        Stage::Live => "live",
        Stage::Ended => "ended",
    };
    MeetInfo {
        id: session.id,
        channel: session.channel.clone(),
        stage: stage.into(),
        prices: prices.map(|(at, one)| price(session, at, one, currency)).collect(),
        currency: currency.code().to_owned(),
        open_to_you: may_join(session, account),
    }
}

fn price(session: &Session, at: u8, price: &Price, currency: &Currency) -> MeetPrice {
    let Tariff { rate, mode, min_seconds, free_ms } = price.tariff;
    let count = match mode {
        Mode::ProRata { granule_ms: 1_000 } => "second",
        Mode::ProRata { granule_ms: 6_000 } => "6 seconds",
        Mode::ProRata { .. } => "minute",
        Mode::StartedMinutes => "started minute",
    };
    let taken = session.present().filter(|(_, party)| party.price == at).count();
    MeetPrice {
        name: price.name.clone(),
        rate: currency.decimal(rate.units().into()).to_string(),
        count: count.into(),
        minimum_seconds: min_seconds,
        free_seconds: free_ms / 1_000,
        places: price.places,
        taken: u32::try_from(taken).unwrap_or(u32::MAX),
    }
}

/// The price of the session that reads like the one shown, but for how many have it now.
pub(super) fn agreed(
    session: &Session,
    shown: &MeetPrice,
    currency: &Currency,
) -> Option<(u8, Price)> {
    let mut all = (0..).zip(&session.prices);
    let reads_alike = |at, one| {
        let now = price(session, at, one, currency);
        MeetPrice { taken: shown.taken, ..now } == *shown
    };
    all.find(|(at, one)| reads_alike(*at, one)).map(|(at, one)| (at, one.clone()))
}

/// The account as party of the session: as the newest one it was.
pub(super) fn you(
    session: &Session,
    account: AccountId,
    standing: Option<Standing>,
    currency: &Currency,
) -> Option<MeetYou> {
    let party = session.parties.iter().rev().find(|party| party.account == account)?;
    let price = session.prices.get(usize::from(party.price))?;
    let (billed, delivered_ms) = match (party.settled, standing) {
        (Some(settled), _) => (settled.billed, settled.delivered_ms),
        (None, Some(standing)) => (standing.billed, standing.delivered_ms),
        (None, None) => (0, 0),
    };
    let standing = standing.filter(|_| party.is_in());
    let decimal = |units: u64| currency.decimal(units.into()).to_string();
    Some(MeetYou {
        price: price.name.clone(),
        cap: decimal(party.cap.units()),
        billed: decimal(billed),
        delivered_seconds: delivered_ms / 1_000,
        left_seconds: standing.and_then(|standing| standing.left_s),
        paused: standing.and_then(|standing| standing.paused).map(|halt| why(halt).to_owned()),
        left: party.left.map(|ending| why(ending.why).to_owned()),
        settled: party.settled.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use weir_model::{SessionId, Timestamp};
    use weir_session::Offer;

    use super::*;

    const HOST: AccountId = AccountId(1);
    const ALICE: AccountId = AccountId(2);

    fn offered() -> Session {
        let price = |name: &str, rate: u64, mode| Price {
            name: name.into(),
            tariff: Tariff { rate: rate.try_into().unwrap(), mode, min_seconds: 60, free_ms: 0 },
            places: 1,
        };
        let guest = price("guest", 600, Mode::ProRata { granule_ms: 1_000 });
        let offer = Offer {
            id: SessionId(7),
            channel: "demo".parse().unwrap(),
            host: HOST,
            fee_bps: 0,
            prices: vec![guest, price("onlooker", 60, Mode::StartedMinutes)],
            invited: vec![ALICE],
            at: Timestamp(0),
        };
        offer.made().unwrap()
    }

    fn euros() -> Currency {
        Currency::new("EUR", 2).unwrap()
    }

    #[test]
    fn prices_are_told_in_words_and_taken_by_them_alone() {
        let offered = offered();
        let shown = session(&offered, Some(ALICE), &euros());
        assert_eq!((shown.stage.as_str(), shown.currency.as_str()), ("offered", "EUR"));
        let rates: Vec<_> = shown.prices.iter().map(|one| (&*one.rate, &*one.count)).collect();
        assert_eq!(rates, [("6.00", "second"), ("0.60", "started minute")]);
        for (at, price) in (0..).zip(&shown.prices) {
            let (agreed_to, _) = agreed(&offered, price, &euros()).unwrap();
            assert_eq!(agreed_to, at);
        }
        let cheaper = MeetPrice { rate: "5.99".into(), ..shown.prices[0].clone() };
        assert_eq!(agreed(&offered, &cheaper, &euros()), None);
    }

    #[test]
    fn only_whoever_is_invited_may_join_and_never_the_streamer() {
        let offered = offered();
        for (account, may) in
            [(Some(ALICE), true), (Some(HOST), false), (Some(AccountId(9)), false), (None, false)]
        {
            assert_eq!(may_join(&offered, account), may, "{account:?}");
        }
    }

    #[test]
    fn of_a_session_by_invitation_only_its_people_hear() {
        let offered = offered();
        for (account, hears) in
            [(Some(ALICE), true), (Some(HOST), true), (Some(AccountId(9)), false), (None, false)]
        {
            assert_eq!(is_told(&offered, account), hears, "{account:?}");
        }
        assert!(is_told(&Session { invited: Vec::new(), ..offered }, None));
    }
}
