//! `weir node`.

use clap::Subcommand;
use weir_client::filter::{Filter, fields};
use weir_model::cluster::{
    ClusterNode, Invite, InviteInfo, InvitedNode, NodeChange, NodeChanged, NodeDetail,
};
use weir_model::human::{bitrate, duration};
use weir_model::{Role, Roles};

use crate::cluster::show_plan;
use crate::filter;
use crate::output::{Format, Sheet, Table, View};
use crate::session::{Done, Session};

pub(crate) const EXAMPLES: &str =
    "Examples:\n  weir node list\n  weir node drain edge-2 --yes --reason 'new disk'";

/// For whoever cordons or drains an edge.
const VIEWERS_KEPT: &str = "its viewers are kept; new ones are kept away by your balancer's health check, /ready at \
                            its address for viewers, which answers 503 until `weir node uncordon`";

/// What can be done with nodes. Each is named by its name or its id.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Lists the nodes with their state, roles and load.
    #[command(after_help = "Examples:\n  weir node list\n  \
                            weir node list --filter 'state!=up or load.cpu>800'")]
    List {
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::NODE))]
        filter: Option<Filter>,
    },
    /// Shows a node with what it owns and the links to it.
    #[command(after_help = "Examples:\n  weir node show edge-2\n  \
                            weir node show edge-2 -o json | jq -r '.actors[].actor'")]
    Show {
        /// Which one.
        node: String,
    },
    /// Gives a node nothing new; it keeps what it has. New viewers are kept away by the balancer's health check.
    #[command(after_help = "Examples:\n  weir node cordon edge-2\n  \
                            weir node cordon edge-2 --reason 'its disk is slow'")]
    Cordon {
        /// Which one.
        node: String,
    },
    /// Lets a node take work again; ends a drain too.
    #[command(after_help = "Examples:\n  weir node uncordon edge-2\n  \
                            weir node uncordon edge-2 --dry-run")]
    Uncordon {
        /// Which one.
        node: String,
    },
    /// Cordons a node and moves away what it has. Viewers are kept; they leave by themselves.
    #[command(after_help = "Examples:\n  weir node drain edge-2 --dry-run\n  \
                            weir node drain edge-2 --yes --reason 'new disk'")]
    Drain {
        /// Which one.
        node: String,
    },
    /// Lets a node vote on the directory.
    #[command(after_help = "Examples:\n  weir node promote core-3\n  \
                            weir node promote core-3 --reason 'core-1 leaves'")]
    Promote {
        /// Which one.
        node: String,
    },
    /// Takes a node's vote away.
    #[command(after_help = "Examples:\n  weir node demote core-1\n  \
                            weir node demote core-1 --yes --reason 'it leaves'")]
    Demote {
        /// Which one.
        node: String,
    },
    /// Takes a node out of the cluster for ever; its certificate is refused from then on.
    #[command(after_help = "Examples:\n  weir node remove edge-2 --dry-run\n  \
                            weir node remove edge-2 --yes --reason 'sold'")]
    Remove {
        /// Which one.
        node: String,
    },
    /// Gives a silent node up at once, so that others may take over what it owned. Only for one that is dead for
    /// sure: the cluster gives up by itself whoever is silent for five seconds, unless too many are.
    #[command(after_help = "Examples:\n  weir node fence edge-2 --dry-run\n  \
                            weir node fence edge-2 --yes --reason 'its power is off'")]
    Fence {
        /// Which one.
        node: String,
    },
    /// Invites a machine to join, and shows the token this once.
    #[command(after_help = "Examples:\n  weir node invite --roles edge\n  \
                            weir node invite --roles ingest,voter --ttl 1800 -o json | jq -r .token")]
    Invite {
        /// What it may be there for: ingest, edge, voter, transcode; with commas between them.
        #[arg(long, value_name = "ROLES")]
        roles: Roles,
        /// Seconds for which the invitation is good.
        #[arg(long, default_value_t = 3600, value_name = "SECONDS")]
        ttl: u64,
    },
    /// Lists invitations, without their tokens.
    #[command(after_help = "Examples:\n  weir node invites\n  \
                            weir node invites --filter 'used_by==none and revoked_at==none'")]
    Invites {
        /// Only rows that fit: a text, or an expression over the fields of the JSON.
        #[arg(long, value_name = "EXPR", value_parser = filter::over(fields::INVITE))]
        filter: Option<Filter>,
    },
    /// Takes an invitation back.
    #[command(after_help = "Examples:\n  weir node uninvite inv_0123456789abcdef\n  \
                            weir node uninvite inv_0123456789abcdef --reason 'sent to the wrong person'")]
    Uninvite {
        /// Its id, as `weir node invites` lists it.
        invite: String,
    },
}

pub(crate) async fn run(session: &mut Session<'_>, verb: Verb) -> Done {
    match verb {
        Verb::List { filter } => {
            let nodes = session.client.nodes().await?;
            let nodes = filter::fitting(filter.as_ref(), nodes, session.view.now);
            let text = session.view.list(&nodes, || table(&nodes));
            session.print(&text)
        }
        Verb::Show { node } => {
            let detail = session.client.node(&node).await?;
            let text = session.view.one(&detail, || sheet(&detail, &session.view));
            session.print(&text)
        }
        Verb::Cordon { node } => change(session, &node, NodeChange::Cordon, None).await,
        Verb::Uncordon { node } => change(session, &node, NodeChange::Uncordon, None).await,
        Verb::Drain { node } => {
            let question = format!("Move away every actor that node {node} has?");
            change(session, &node, NodeChange::Drain, Some(question)).await
        }
        Verb::Promote { node } => change(session, &node, NodeChange::Promote, None).await,
        Verb::Demote { node } => {
            let question = format!("Take the vote of node {node} away?");
            change(session, &node, NodeChange::Demote, Some(question)).await
        }
        Verb::Remove { node } => {
            let question = format!("Take node {node} out of the cluster for ever?");
            change(session, &node, NodeChange::Remove, Some(question)).await
        }
        Verb::Fence { node } => {
            let question = format!("Is node {node} dead for sure, and to be given up?");
            change(session, &node, NodeChange::Fence, Some(question)).await
        }
        Verb::Invite { roles, ttl } => {
            let body = Invite { roles: roles.iter().collect(), ttl_secs: Some(ttl) };
            let made = session.client.invite(&body, &session.mutation()).await?;
            show_made(session, &made)
        }
        Verb::Invites { filter } => {
            let invites = session.client.invites().await?;
            let invites = filter::fitting(filter.as_ref(), invites, session.view.now);
            let text = session.view.list(&invites, || invite_table(&invites, &session.view));
            session.print(&text)
        }
        Verb::Uninvite { invite } => {
            let info = session.client.revoke_invite(&invite, &session.mutation()).await?;
            let text = session.view.one(&info, || Sheet(invite_sheet(&info, &session.view)));
            session.print(&text)
        }
    }
}

/// Asks, when that cannot be taken back at once, and does it.
async fn change(
    session: &mut Session<'_>,
    node: &str,
    change: NodeChange,
    question: Option<String>,
) -> Done {
    if let Some(question) = question {
        session.confirm(&question).await?;
    }
    let changed = session.client.change_node(node, change, &session.mutation()).await?;
    let text = session.view.one(&changed, || changed_sheet(&changed));
    session.print(&text)?;
    if change == NodeChange::Drain && session.view.format == Format::Table {
        show_plan(session, &changed.plan)?;
    }
    if keeps_viewers(&changed) && !session.dry_run() {
        session.say(VIEWERS_KEPT);
    }
    Ok(())
}

/// Whether people may expect viewers to be sent away, which nobody does.
fn keeps_viewers(changed: &NodeChanged) -> bool {
    let sends = matches!(changed.change, NodeChange::Cordon | NodeChange::Drain);
    sends && changed.roles.contains(Role::Edge)
}

fn show_made(session: &mut Session<'_>, made: &InvitedNode) -> Done {
    let text = session.view.one(made, || {
        let token = if made.token.is_empty() { "(dry run)" } else { &made.token };
        let mut rows = vec![("token", token.to_owned()), ("join", made.join.clone())];
        rows.extend(invite_sheet(&made.info, &session.view));
        Sheet(rows)
    });
    session.print(&text)?;
    if !session.dry_run() {
        session.say(
            "the token is shown this once; put it into a file on the new machine and type there",
        );
        session.say(&made.command);
    }
    Ok(())
}

fn table(nodes: &[ClusterNode]) -> Table {
    let header = vec![
        "NAME", "STATE", "DUTY", "ROLES", "VOTE", "CPU", "STREAMS", "VIEWERS", "ACTORS", "LAG",
        "LINKS", "HEARD", "VERSION",
    ];
    let rows = nodes.iter().map(|node| {
        let load = |figure: fn(&weir_model::cluster::NodeLoad) -> String| {
            node.load.as_ref().map(figure).unwrap_or_default()
        };
        vec![
            node.name.clone(),
            node.state.as_str().into(),
            node.duty.as_str().into(),
            node.roles.to_string(),
            vote(node).into(),
            load(|load| format!("{} %", load.cpu / 10)),
            load(|load| load.streams.to_string()),
            load(|load| load.viewers.to_string()),
            node.leases.to_string(),
            node.lag.map(|lag| lag.to_string()).unwrap_or_default(),
            format!("{}/{}", node.links_up, node.links_up + node.links_down),
            heard(node),
            node.version.clone(),
        ]
    });
    Table { header, rows: rows.collect() }
}

const fn vote(node: &ClusterNode) -> &'static str {
    match (node.leader, node.voter) {
        (true, _) => "leader",
        (false, true) => "voter",
        (false, false) => "",
    }
}

fn heard(node: &ClusterNode) -> String {
    let ms = node.heard_ms.and_then(|ms| i64::try_from(ms).ok());
    ms.map(|ms| format!("{} ago", duration(ms))).unwrap_or_default()
}

fn sheet(detail: &NodeDetail, view: &View) -> Sheet {
    let node = &detail.node;
    let mut rows = vec![
        ("name", node.name.clone()),
        ("id", node.id.to_string()),
        ("state", node.state.as_str().into()),
        ("duty", node.duty.as_str().into()),
        ("roles", node.roles.to_string()),
        ("vote", vote(node).into()),
        ("zone", node.zone.clone().unwrap_or_default()),
        ("link", node.link.clone()),
        ("version", node.version.clone()),
        ("incarnation", node.incarnation.to_string()),
        ("heard", heard(node)),
        ("clock skew", node.clock_skew_ms.map(|ms| format!("{ms} ms")).unwrap_or_default()),
        ("log behind", node.lag.map(|lag| lag.to_string()).unwrap_or_default()),
    ];
    if let Some(load) = &node.load {
        let share = |share: u16| format!("{}.{} %", share / 10, share % 10);
        rows.push(("processor", share(load.cpu)));
        rows.push(("memory", share(load.memory)));
        rows.push(("network", share(load.network)));
        rows.push(("ingest", bitrate(load.ingest_bitrate)));
        rows.push(("egress", bitrate(load.egress_bitrate)));
        rows.push(("streams", load.streams.to_string()));
        rows.push(("viewers", load.viewers.to_string()));
        if load.disk_free > 0 {
            let low = if load.disk_low { ", too little" } else { "" };
            rows.push(("disk free", format!("{} MiB{low}", load.disk_free >> 20)));
        }
    }
    rows.extend(node.publish_urls.iter().map(|url| ("publish", url.clone())));
    rows.extend(node.watch_urls.iter().map(|url| ("watch", url.clone())));
    for link in &detail.links {
        let state = link.state.as_str();
        rows.push(("link", format!("{} {state}, {}", link.lane, view.ago(link.since))));
    }
    for lease in &detail.actors {
        rows.push(("actor", format!("{}, {}", lease.actor, view.ago(lease.since))));
    }
    Sheet(rows)
}

fn changed_sheet(changed: &NodeChanged) -> Sheet {
    let word = if changed.changed { changed.change.done() } else { "nothing to do" };
    Sheet(vec![
        ("node", changed.name.clone()),
        ("id", changed.node.to_string()),
        ("change", word.into()),
    ])
}

fn invite_table(invites: &[InviteInfo], view: &View) -> Table {
    let rows = invites.iter().map(|invite| {
        vec![
            invite.id.clone(),
            invite.state(view.now).into(),
            invite.roles.to_string(),
            view.ago(invite.created_at),
            view.ago(invite.expires_at),
            invite.used_by.map(|node| node.to_string()).unwrap_or_default(),
        ]
    });
    let header = vec!["ID", "STATE", "ROLES", "CREATED", "EXPIRES", "USED BY"];
    Table { header, rows: rows.collect() }
}

fn invite_sheet(invite: &InviteInfo, view: &View) -> Vec<(&'static str, String)> {
    vec![
        ("id", invite.id.clone()),
        ("state", invite.state(view.now).into()),
        ("roles", invite.roles.to_string()),
        ("expires", view.ago(invite.expires_at)),
    ]
}
