//! The `:` prompt: the command line's grammar, as far as the console has it, with completion.

use weir_model::ChannelName;
use weir_model::cluster::NodeChange;

use crate::intent::Intent;
use crate::state::State;
use crate::state::confirm::Confirm;
use crate::state::nav::{ALIASES, TOP, View};

mod money;

/// Completions offered at once: what fits on a line or two.
const OFFERED_MAX: usize = 8;

/// What the prompt does beside opening pages: noun and verb, as on the command line.
pub const VERBS: [(&str, &str); 18] = [
    ("stream", "show"),
    ("stream", "kick"),
    ("channel", "show"),
    ("viewing", "kick"),
    ("key", "revoke"),
    ("node", "cordon"),
    ("node", "uncordon"),
    ("node", "drain"),
    ("cluster", "rebalance"),
    ("session", "show"),
    ("session", "end"),
    ("wallet", "show"),
    ("wallet", "credit"),
    ("wallet", "freeze"),
    ("wallet", "unfreeze"),
    ("ledger", "explain"),
    ("payout", "paid"),
    ("payout", "fail"),
];
const WORDS: [&str; 3] = ["help", "quit", "refresh"];

/// What a typed line asks for.
///
/// # Errors
/// A sentence that says what was not understood.
pub fn parse(line: &str, state: &State) -> Result<Intent, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [] => Ok(Intent::None),
        ["q" | "quit"] => Ok(Intent::Quit),
        ["help"] => Ok(Intent::Help),
        ["refresh"] => Ok(Intent::Refresh),
        ["stream", "show", name] | ["stream" | "st", name] => {
            Ok(Intent::Open(View::Stream(channel(name)?)))
        }
        ["channel", "show", name] | ["channel" | "ch", name] => {
            Ok(Intent::Open(View::Channel(channel(name)?)))
        }
        ["stream", "kick", name, rest @ ..] => kick_stream(name, rest, state),
        ["viewing", "kick", id] => kick_viewing(id, state),
        ["key", "revoke", name, id] => revoke(name, id, state),
        ["node", verb @ ("cordon" | "uncordon" | "drain"), name, rest @ ..] => {
            change_node(verb, name, rest, state)
        }
        ["session" | "se" | "wallet" | "w" | "refund" | "ledger" | "payout", _, ..] => {
            money::parse(&words, state).unwrap_or_else(|| Err(unknown(line)))
        }
        ["cluster", "rebalance", rest @ ..] => {
            let reason = reason(rest).ok_or("cluster rebalance [--reason TEXT]")?;
            Ok(Intent::Ask(Box::new(Confirm::rebalance(&reason))))
        }
        [name] => View::named(name).map(Intent::Open).ok_or_else(|| unknown(line)),
        _ => Err(unknown(line)),
    }
}

fn unknown(line: &str) -> String {
    format!("no such command: {line}; try a page's name, or stream kick CHANNEL")
}

fn channel(name: &str) -> Result<ChannelName, String> {
    name.parse().map_err(|error: weir_model::channel::InvalidChannelName| error.to_string())
}

fn kick_stream(name: &str, rest: &[&str], state: &State) -> Result<Intent, String> {
    let name = channel(name)?;
    let stream = state.shown().stream(&name).ok_or_else(|| format!("no stream named {name}"))?;
    let reason = reason(rest).ok_or("stream kick CHANNEL [--reason TEXT]")?;
    Ok(Intent::Ask(Box::new(Confirm::kick_stream(&name, stream.viewers, &reason))))
}

/// The reason at the end of a line; none when something else stands there.
fn reason(rest: &[&str]) -> Option<String> {
    match rest {
        [] => Some(String::new()),
        ["--reason", words @ ..] => Some(words.join(" ").trim_matches(['\'', '"']).to_owned()),
        _ => None,
    }
}

fn change_node(verb: &str, name: &str, rest: &[&str], state: &State) -> Result<Intent, String> {
    let change = NodeChange::ALL.into_iter().find(|change| change.as_str() == verb);
    let nodes = &state.shown().nodes;
    let node = nodes.iter().find(|node| node.name == name || node.id.to_string() == name);
    let node = node.ok_or_else(|| format!("open the nodes first (:no), then {verb} {name}"))?;
    let usage = || format!("node {verb} NODE [--reason TEXT]");
    let (change, reason) = (change.ok_or_else(usage)?, reason(rest).ok_or_else(usage)?);
    Ok(Intent::Ask(Box::new(Confirm::change_node(node, change, &reason))))
}

fn kick_viewing(id: &str, state: &State) -> Result<Intent, String> {
    let found = state.shown().viewings.iter().find(|v| v.id.to_string() == id);
    let missing = || format!("no viewing {id} on the stream that was open last");
    let viewing = found.ok_or_else(missing)?;
    Ok(Intent::Ask(Box::new(Confirm::kick_viewing(viewing))))
}

fn revoke(name: &str, id: &str, state: &State) -> Result<Intent, String> {
    let name = channel(name)?;
    let keys = state.shown().keys_of(&name).unwrap_or_default();
    let key = keys.iter().find(|k| k.id.to_string() == id);
    let key =
        key.ok_or_else(|| format!("open the channel first (:ch {name}), then revoke {id}"))?;
    Ok(Intent::Ask(Box::new(Confirm::revoke_key(key))))
}

/// Whole lines that the typed text could become.
#[must_use]
pub fn complete(typed: &str, state: &State) -> Vec<String> {
    let pages = TOP.iter().map(|(_, name, _, _)| (*name).to_owned());
    let pages = pages.chain(ALIASES.iter().map(|(name, _)| (*name).to_owned()));
    let words = WORDS.iter().map(|word| (*word).to_owned());
    let verbs = VERBS.iter().map(|(noun, verb)| format!("{noun} {verb}"));
    let mut offered: Vec<String> = pages.chain(verbs).chain(words).collect();
    for (noun, verb) in VERBS {
        let start = format!("{noun} {verb} ");
        if typed.starts_with(&start) {
            offered.extend(things(noun, state).map(|thing| format!("{start}{thing}")));
        }
    }
    offered.retain(|line| line.starts_with(typed) && line != typed);
    offered.truncate(OFFERED_MAX);
    offered
}

/// The field's name that is begun at the end of a filter.
#[must_use]
pub fn begun_field(typed: &str) -> &str {
    typed.rsplit(|c: char| !c.is_ascii_lowercase() && c != '_' && c != '.').next().unwrap_or(typed)
}

/// Names of fields that the end of the typed filter could become.
#[must_use]
pub fn complete_field(typed: &str, state: &State) -> Vec<String> {
    let begun = begun_field(typed);
    let before = typed.strip_suffix(begun).unwrap_or_default().trim_end();
    // Behind a comparison stands a value.
    if before.ends_with(['=', '<', '>', '~', ':', '"', '\'']) {
        return Vec::new();
    }
    let names = state.fields().iter().map(|field| field.name);
    let fitting = names.filter(|name| !begun.is_empty() && name.starts_with(begun));
    fitting.filter(|name| *name != begun).take(OFFERED_MAX).map(Into::into).collect()
}

fn things(noun: &str, state: &State) -> Box<dyn Iterator<Item = String>> {
    let data = state.shown().clone();
    match noun {
        "viewing" => {
            let ids: Vec<_> = data.viewings.iter().map(|v| v.id.to_string()).collect();
            Box::new(ids.into_iter())
        }
        "node" => {
            let names: Vec<_> = data.nodes.iter().map(|node| node.name.clone()).collect();
            Box::new(names.into_iter())
        }
        "session" => {
            let ids: Vec<_> = data.money.sessions.iter().map(|one| one.id.to_string()).collect();
            Box::new(ids.into_iter())
        }
        "wallet" => {
            let names: Vec<_> = data.money.people.iter().map(|one| one.name.to_string()).collect();
            Box::new(names.into_iter())
        }
        "payout" => {
            let ids: Vec<_> = data.money.payouts.iter().map(|one| one.id.to_string()).collect();
            Box::new(ids.into_iter())
        }
        "cluster" | "ledger" => Box::new(std::iter::empty()),
        _ => {
            let names: Vec<_> = data.streams.iter().map(|s| s.channel.to_string()).collect();
            Box::new(names.into_iter())
        }
    }
}

/// What all offered lines begin with.
#[must_use]
pub fn common(offered: &[String]) -> String {
    let Some(first) = offered.first() else { return String::new() };
    let shared = |n: &usize| {
        let start: String = first.chars().take(*n).collect();
        offered.iter().all(|line| line.starts_with(&start))
    };
    let n = (0..=first.chars().count()).rev().find(shared).unwrap_or(0);
    first.chars().take(n).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::money::{Deed, Wish};
    use crate::fixture;

    #[test]
    fn pages_open_by_name_and_short_name() {
        let state = fixture::state();
        assert_eq!(parse("ev", &state), Ok(Intent::Open(View::Events)));
        assert_eq!(parse(" streams ", &state), Ok(Intent::Open(View::Streams)));
        for alias in ["leases", "placements"] {
            assert_eq!(parse(alias, &state), Ok(Intent::Open(View::Actors)), "{alias}");
        }
        assert!(parse("nonsense", &state).unwrap_err().contains("nonsense"));
    }

    #[test]
    fn a_kick_asks_first_with_the_reason_filled_in() {
        let state = fixture::state();
        let Ok(Intent::Ask(ask)) = parse("stream kick demo --reason 'too loud'", &state) else {
            panic!("no question")
        };
        assert_eq!(ask.edit.text(), "too loud");
        assert!(parse("stream kick nobody", &state).is_err());
        assert!(parse("stream kick ../x", &state).is_err());
    }

    fn tried(line: &str) -> (Wish, String) {
        match parse(line, &fixture::state()) {
            Ok(Intent::Try(wish, reason)) => (wish, reason),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn money_is_tried_first_with_the_reason_that_was_given() {
        let (wish, reason) = tried("wallet credit fan 20.00 --reason 'bank transfer 7'");
        let deed = Deed::Credit { account: "fan".into(), amount: "20.00".into() };
        assert_eq!((wish, reason.as_str()), (Wish::Deed(deed), "bank transfer 7"));
        let (wish, reason) = tried("wallet freeze fan");
        let of = weir_model::money::PersonalAccount::Wallet;
        let deed = Deed::Stand { account: "fan".into(), of, frozen: true };
        assert_eq!((wish, reason.as_str()), (Wish::Deed(deed), ""));
        let tip = "tip:0123456789abcdef0123456789abcdef";
        let charge = tip.parse().unwrap();
        let (wish, _) = tried(&format!("refund {tip} 2.50"));
        assert_eq!(wish, Wish::Deed(Deed::Refund { charge, amount: Some("2.50".into()) }));
        let (wish, reason) = tried(&format!("refund {tip} --reason twice"));
        assert_eq!(wish, Wish::Deed(Deed::Refund { charge, amount: None }));
        assert_eq!(reason, "twice");
        for wrong in [
            "wallet credit fan",
            "wallet credit fan much",
            "refund tip:7",
            "wallet",
            "ledger explain x",
        ] {
            assert!(parse(wrong, &fixture::state()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn completion_offers_pages_verbs_and_names() {
        let state = fixture::state();
        assert_eq!(complete("ev", &state), ["events"]);
        assert_eq!(complete("pl", &state), ["placements"]);
        assert_eq!(complete("stream k", &state), ["stream kick"]);
        assert_eq!(complete("stream kick de", &state), ["stream kick demo"]);
        assert!(complete("", &state).len() <= OFFERED_MAX);
        assert_eq!(common(&complete("str", &state)), "stream");
        assert_eq!(common(&[]), "");
    }
}
