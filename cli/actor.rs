//! `weir actor`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::api::ActorQuery;
use weir_model::cluster::{LeaseInfo, MoveActor, NodeScore, PlacementInfo, PlannedMove};
use weir_model::{ActorId, ActorKind};

use crate::filter;
use crate::output::{Sheet, Table, View, clean};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir actor list --kind stream\n  weir actor explain stream/demo";

/// What can be done with actors: each exists once in the cluster, and is named `KIND/KEY`, as in `stream/demo`.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists who owns what.
    #[command(after_help = "Examples:\n  weir actor list --node edge-2\n  \
                            weir actor list --filter 'node==none or since<5m'")]
    List {
        /// Only this kind: stream, puller, recorder, transcoder, session or room.
        #[arg(long)]
        kind: Option<ActorKind>,
        /// Only what this node owns.
        #[arg(long)]
        node: Option<String>,
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::LEASE))]
        filter: Option<Filter>,
    },
    /// Moves an actor to another node.
    #[command(after_help = "Examples:\n  weir actor move room/demo --to core-2\n  \
                            weir actor move transcoder/demo/v1 --dry-run")]
    Move {
        /// Which one.
        #[arg(value_name = "KIND/KEY")]
        actor: ActorId,
        /// Where to; the best place when absent.
        #[arg(long, value_name = "NODE")]
        to: Option<String>,
    },
    /// Says why an actor is where it is: the rule that decided and the score of each node.
    #[command(after_help = "Examples:\n  weir actor explain stream/demo\n  \
                            weir actor explain room/demo -o json | jq '.scores[0]'")]
    Explain {
        /// Which one.
        #[arg(value_name = "KIND/KEY")]
        actor: ActorId,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::List { kind, node, filter } => {
            let leases = session.client.actors(&ActorQuery { kind, node }).await?;
            let leases = filter::fitting(filter.as_ref(), leases, session.view.now);
            let text = session.view.list(&leases, || table(&leases, &session.view));
            session.print(&text)
        }
        Verb::Move { actor, to } => {
            let place = to.as_deref().unwrap_or("the best place");
            session.confirm(&format!("Move {actor} to {place}?")).await?;
            let body = MoveActor { to };
            let step = session.client.move_actor(&actor, &body, &session.mutation()).await?;
            let text = session.view.one(&step, || step_sheet(&step));
            session.print(&text)
        }
        Verb::Explain { actor } => {
            let why = session.client.explain_actor(&actor).await?;
            let text = session.view.text(&why, || sentences(&why));
            session.print(&text)
        }
    }
}

fn table(leases: &[LeaseInfo], view: &View) -> Table {
    let rows = leases.iter().map(|lease| {
        let state = if lease.node.is_some() { "owned" } else { "vacant" };
        vec![
            lease.actor.to_string(),
            lease.node_name.clone(),
            state.into(),
            lease.epoch.to_string(),
            view.ago(lease.since),
        ]
    });
    Table { header: vec!["ACTOR", "NODE", "STATE", "EPOCH", "SINCE"], rows: rows.collect() }
}

fn step_sheet(step: &PlannedMove) -> Sheet {
    Sheet(vec![
        ("actor", step.actor.to_string()),
        ("from", step.from_text()),
        ("to", step.to_text()),
        ("reason", step.reason.clone()),
    ])
}

fn sentences(why: &PlacementInfo) -> String {
    let mut text = clean(&why.rule) + "\n";
    for score in &why.scores {
        let here = if why.current == Some(score.node) { ", where it is now" } else { "" };
        text.push_str(&format!("{}{here}: {}\n", clean(&score.name), verdict(score)));
        for part in &score.parts {
            text.push_str(&format!("  {:+} {}: {}\n", part.points, part.name, clean(&part.text)));
        }
    }
    text
}

/// The rule that decided and, when there are several nodes, a line for each of them.
pub(crate) fn in_short(why: &PlacementInfo) -> String {
    let mut text = clean(&why.rule) + "\n";
    if why.scores.len() < 2 {
        return text;
    }
    for score in &why.scores {
        let here = if why.current == Some(score.node) { ", where it is now" } else { "" };
        let (name, verdict) = (clean(&score.name), verdict(score));
        text.push_str(&format!("  {name}{here}: {verdict}{}\n", parts(score)));
    }
    text
}

/// What the points are made of; of no interest where they decide nothing.
fn parts(score: &NodeScore) -> String {
    let parts: Vec<_> =
        score.parts.iter().map(|part| format!("{:+} {}", part.points, part.name)).collect();
    match score.barred.is_some() || parts.is_empty() {
        true => String::new(),
        false => format!(" ({})", parts.join(", ")),
    }
}

fn verdict(score: &NodeScore) -> String {
    match &score.barred {
        Some(why) => format!("cannot have it: {}", clean(why)),
        None => format!("{} points", score.points),
    }
}
