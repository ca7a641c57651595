//! `weir cluster`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::Timestamp;
use weir_model::api::Mutation;
use weir_model::cluster::{
    CheckReport, ClusterFinding, ClusterStatus, LinkInfo, MovePlan, NodeState, ReplicaInfo,
};
use weir_model::human::bytes;
use weir_model::stream::HealthLevel;

use crate::doctor::{self, Asked};
use crate::exit::{Exit, Failure};
use crate::filter;
use crate::output::{Sheet, Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir cluster status\n  weir cluster check || echo 'look at the cluster'";

/// What can be asked of the cluster as a whole.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// The cluster as the asked node sees it: leader, quorum, versions, clocks, what is wrong.
    #[command(after_help = "Examples:\n  weir cluster status\n  \
                            weir cluster status -o json | jq .raft.peers")]
    Status,
    /// Says what is wrong, for monitoring: exit code 0, 10 for a warning, 11 for something broken.
    #[command(after_help = "Examples:\n  weir cluster check\n  \
                            weir cluster check -o json | jq -r '.findings[].text'")]
    Check,
    /// Looks at this machine and at the node: buffers, clocks, versions, disk. Exit codes as for check.
    #[command(after_help = "Examples:\n  weir cluster doctor\n  \
                            weir cluster doctor -o json | jq '.findings[] | select(.level != \"ok\")'")]
    Doctor,
    /// Moves what is better placed elsewhere.
    #[command(after_help = "Examples:\n  weir cluster rebalance --dry-run\n  \
                            weir cluster rebalance --yes --reason 'a node was added'")]
    Rebalance,
    /// Lists the links of the asked node to the others.
    #[command(after_help = "Examples:\n  weir cluster links\n  \
                            weir cluster links --filter 'state!=up or rtt_us>50000'")]
    Links {
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::LINK))]
        filter: Option<Filter>,
    },
    /// Lists the copies of streams' windows, with how far each is behind.
    #[command(after_help = "Examples:\n  weir cluster replicas\n  \
                            weir cluster replicas --filter 'channel==demo and lag_ms>100'")]
    Replicas {
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::REPLICA))]
        filter: Option<Filter>,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::Status => {
            let status = session.client.cluster().await?;
            let text = session.view.one(&status, || sheet(&status));
            session.print(&text)
        }
        Verb::Check => {
            let report = session.client.check_cluster().await?;
            checked(session, &report)
        }
        Verb::Doctor => {
            let asked = ask(session).await;
            let report = doctor::report(&session.machine(), &asked);
            checked(session, &report)
        }
        Verb::Rebalance => {
            preview(session).await?;
            session.confirm("Move what is better placed elsewhere?").await?;
            let plan = session.client.rebalance(&session.mutation()).await?;
            show_plan(session, &plan)
        }
        Verb::Links { filter } => {
            let links = session.client.links().await?;
            let links = filter::fitting(filter.as_ref(), links, session.view.now);
            let text = session.view.list(&links, || link_table(&links, &session.view));
            session.print(&text)
        }
        Verb::Replicas { filter } => {
            let replicas = session.client.replicas().await?;
            let replicas = filter::fitting(filter.as_ref(), replicas, session.view.now);
            let text = session.view.list(&replicas, || replica_table(&replicas));
            session.print(&text)
        }
    }
}

/// Asks the node what a doctor wants to know; that it does not answer is part of the answer.
async fn ask(session: &Session<'_>) -> Asked {
    let version = session.client.version().await;
    let before = session.now();
    let cluster = session.client.cluster().await;
    let middle = before.0 + session.now().since_ms(before) / 2;
    Asked {
        endpoint: session.client.endpoint().to_owned(),
        version: version.map(|version| version.version).map_err(|error| error.to_string()),
        skew_ms: cluster.as_ref().ok().map(|status| status.now.since_ms(Timestamp(middle))),
        cluster: cluster.map_err(|error| error.to_string()),
    }
}

/// Prints a report; its level is the exit code.
fn checked(session: &mut Session<'_>, report: &CheckReport) -> Done {
    let text = session.view.rows(report, || finding_table(&report.findings));
    session.print(&text)?;
    let exit = match report.level {
        HealthLevel::Ok if report.findings.is_empty() => {
            session.say("nothing is wrong");
            return Ok(());
        }
        HealthLevel::Ok => return Ok(()),
        HealthLevel::Warning => Exit::Warning,
        HealthLevel::Bad => Exit::Critical,
    };
    Err(Failure::new(exit, String::new()))
}

/// What somebody is asked to agree to. Loads change, so a moment later it may be a little different.
async fn preview(session: &mut Session<'_>) -> Done {
    if !session.will_ask() {
        return Ok(());
    }
    let asked = Mutation { dry_run: true, ..session.mutation() };
    let plan = session.client.rebalance(&asked).await?;
    for step in &plan.moves {
        let (from, to) = (step.from_text(), step.to_text());
        session.say(&format!("{} from {from} to {to}: {}", step.actor, step.reason));
    }
    session.say(&format!("{} to move, {} stay", plan.moves.len(), plan.staying));
    Ok(())
}

/// Prints a plan of moves.
pub(crate) fn show_plan(session: &mut Session<'_>, plan: &MovePlan) -> Done {
    let text = session.view.rows(plan, || plan_table(plan));
    session.print(&text)?;
    let more = if plan.truncated { "; there is more to do after these" } else { "" };
    let tense = if session.dry_run() { "would move" } else { "move" };
    session.say(&format!("{} {tense}, {} stay{more}", plan.moves.len(), plan.staying));
    if plan.refused.is_empty() {
        return Ok(());
    }
    let refused = plan.refused.iter().map(|one| format!("{}: {}", one.actor, one.reason));
    let refused = refused.collect::<Vec<_>>().join("; ");
    Err(Failure::new(Exit::Conflict, format!("not everything could be moved: {refused}")))
}

fn plan_table(plan: &MovePlan) -> Table {
    let rows = plan.moves.iter().map(|step| {
        vec![
            step.actor.to_string(),
            step.from_text(),
            step.to_text(),
            step.gain.map(|gain| gain.to_string()).unwrap_or_default(),
            step.reason.clone(),
        ]
    });
    Table { header: vec!["ACTOR", "FROM", "TO", "GAIN", "REASON"], rows: rows.collect() }
}

fn finding_table(findings: &[ClusterFinding]) -> Table {
    let rows = findings.iter().map(|one| {
        vec![level(one.level).into(), one.code.clone(), one.text.clone(), one.advice.clone()]
    });
    Table { header: vec!["LEVEL", "CHECK", "FOUND", "ADVICE"], rows: rows.collect() }
}

const fn level(level: HealthLevel) -> &'static str {
    match level {
        HealthLevel::Ok => "ok",
        HealthLevel::Warning => "warning",
        HealthLevel::Bad => "bad",
    }
}

fn sheet(status: &ClusterStatus) -> Sheet {
    let (raft, quorum) = (&status.raft, status.quorum);
    let up = status.members.iter().filter(|node| node.state == NodeState::Up).count();
    let versions = status.versions.iter().map(|one| format!("{} on {}", one.version, one.nodes));
    let mut rows = vec![
        ("asked node", format!("{} ({})", status.name, status.node)),
        ("role", raft.role.as_str().into()),
        ("leader", raft.leader_name.clone().unwrap_or_else(|| "none is known".into())),
        ("term", raft.term.to_string()),
        ("applied", format!("{} of {}", raft.applied, raft.last_log)),
        (
            "quorum",
            format!("{} of {} voters up, {} needed", quorum.up, quorum.voters, quorum.needed),
        ),
        ("nodes", format!("{up} up of {}", status.members.len())),
        ("versions", versions.collect::<Vec<_>>().join(", ")),
        ("clock skew", status.clock_skew_ms.map(|ms| format!("{ms} ms")).unwrap_or_default()),
        ("actors", format!("{} placed, {} wait", status.leases, status.vacant)),
    ];
    for one in &status.warnings {
        rows.push((level(one.level), format!("{} {}", one.text, one.advice).trim().to_owned()));
    }
    Sheet(rows)
}

/// The links of a node, for people.
pub(crate) fn link_table(links: &[LinkInfo], view: &View) -> Table {
    let rows = links.iter().map(|link| {
        vec![
            link.to_name.clone(),
            link.lane.clone(),
            link.state.as_str().into(),
            view.ago(link.since),
            format!("{:.1} ms", link.rtt_us as f64 / 1000.0),
            format!("{:.2} %", f64::from(link.loss_ppm) / 10_000.0),
            bytes(link.sent_bytes),
            bytes(link.received_bytes),
            link.lag_ms.map(|ms| format!("{ms} ms")).unwrap_or_default(),
            link.remote.clone(),
        ]
    });
    let header =
        vec!["TO", "LANE", "STATE", "SINCE", "RTT", "LOSS", "SENT", "RECEIVED", "LAG", "REMOTE"];
    Table { header, rows: rows.collect() }
}

fn replica_table(replicas: &[ReplicaInfo]) -> Table {
    let rows = replicas.iter().map(|replica| {
        vec![
            replica.channel.to_string(),
            replica.node_name.clone(),
            replica.role.as_str().into(),
            replica.from_name.clone().unwrap_or_default(),
            replica.hops.len().to_string(),
            replica.lag_ms.map(|ms| format!("{ms} ms")).unwrap_or_default(),
            replica.msn.map(|msn| msn.to_string()).unwrap_or_default(),
            replica.viewers.to_string(),
        ]
    });
    let header = vec!["CHANNEL", "NODE", "ROLE", "FROM", "HOPS", "LAG", "SEGMENT", "VIEWERS"];
    Table { header, rows: rows.collect() }
}
