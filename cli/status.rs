//! `weir status` and `weir version`.

use serde_json::json;
use weir_model::human::{bitrate, bytes, duration};
use weir_model::node::{LoopState, NodeStatus};

use crate::args::Global;
use crate::output::{Sheet, View};
use crate::session::{Done, Session, Surroundings, print};

/// The node's condition.
pub(crate) async fn status(session: &mut Session<'_>) -> Done {
    let status = session.client.status().await?;
    let text = session.view.one(&status, || sheet(&status));
    session.print(&text)
}

/// Versions of both ends. A node that is not there is no failure: the question is about this program too.
pub(crate) async fn version(global: Global, around: &mut Surroundings) -> Done {
    let view = View { format: global.output, terminal: around.terminal, now: (around.now)() };
    let node = match Session::new(global, around) {
        Ok(session) => session.client.version().await.ok(),
        Err(_) => None,
    };
    let answer = json!({ "client": env!("CARGO_PKG_VERSION"), "node": node });
    let text = view.one(&answer, || {
        let node = node.map_or_else(
            || "not reachable".to_owned(),
            |node| format!("{} (api {})", node.version, node.api),
        );
        Sheet(vec![("weir", env!("CARGO_PKG_VERSION").into()), ("node", node)])
    });
    print(&mut around.out, &text)
}

fn sheet(status: &NodeStatus) -> Sheet {
    let mut rows = vec![
        ("node", status.name.clone()),
        ("version", status.version.clone()),
        ("up", duration(status.now.since_ms(status.started_at))),
        ("roles", status.roles.join(", ")),
        ("streams live", status.streams_live.to_string()),
        ("publishers", status.publishers.to_string()),
        ("viewers", status.viewers.to_string()),
        ("ingest", bitrate(status.ingest_bitrate)),
        ("memory", bytes(status.rss_bytes)),
        ("processor", format!("{:.1} s", status.cpu_seconds)),
    ];
    for endpoint in &status.endpoints {
        rows.push(("endpoint", format!("{} {}", endpoint.name, endpoint.url)));
    }
    rows.push(("loops", status.loops.len().to_string()));
    for one in &status.loops {
        let stopped = one.state == LoopState::Stopped;
        if stopped || one.errors > 0 {
            let state = if stopped { "stopped" } else { "runs" };
            let error = one.last_error.as_deref().unwrap_or("no reason is known");
            rows.push(("trouble", format!("{} {state}, {} errors: {error}", one.name, one.errors)));
        }
    }
    Sheet(rows)
}
