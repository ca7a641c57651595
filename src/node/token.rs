//! The operator's token: another one for whoever has the machine of a voter, and the news of it at every node.
//!
//! The token lies at one node only; the directory knows its hash. Without this, a cluster that lost that node's disk
//! could be operated by nobody. A voter has the authority of the cluster on its disk, so whoever may start one gets
//! nothing here that he could not take.

use std::time::Duration;

use weir_cluster::members::Members;

use super::mesh::Mesh;
use crate::actors::events::Events;
use crate::actors::tasks::Tasks;
use crate::store::{Store, StoreError};

/// An election takes a second or two, but the other voters may have to be started first.
const QUORUM_MAX: Duration = Duration::from_secs(120);
/// After this without a quorum the log says what is waited for.
const ATTEMPT_MAX: Duration = Duration::from_secs(5);
/// Between two attempts, when one fails at once.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells at this node when the operator's token was replaced anywhere.
pub(super) fn tell_of_replacements(store: &Store, events: &Events, tasks: &Tasks) {
    let (mut replaced, store, events) =
        (store.operator_token_changes(), store.clone(), events.clone());
    tasks.spawn("operator token news", |handle| async move {
        loop {
            tokio::select! {
                changed = replaced.changed() => if changed.is_err() { return },
                () = handle.stopping() => return,
            }
            let by = *replaced.borrow_and_update();
            let by = by.map(|node| store.cluster().members.name(node));
            let at = by.as_ref().map(|name| format!(" at node {name}")).unwrap_or_default();
            let text = format!(
                "the operator's token was replaced{at}; the one before is refused from now on"
            );
            let fields: Vec<_> = by.into_iter().map(|name| ("node", name)).collect();
            events.emit("operator.token_replaced", None, text, &fields);
        }
    });
}

/// Begins to replace the operator's token by one whose file lies in this node's data directory. The node does not
/// wait for it: what it serves has nothing to do with operators.
///
/// # Errors
/// When this node does not vote.
pub(super) fn replace(
    mesh: &Mesh,
    store: &Store,
    events: &Events,
    tasks: &Tasks,
) -> Result<(), String> {
    if !votes(mesh) {
        return Err(refusal(&store.cluster().members));
    }
    let (mesh, store, events) = (mesh.clone(), store.clone(), events.clone());
    tasks.spawn("operator token", |handle| async move {
        let made = tokio::select! {
            made = tokio::time::timeout(QUORUM_MAX, until_made(&mesh, &store)) => made,
            () = handle.stopping() => return,
        };
        let file = store.operator_token_file();
        let none = || format!("no quorum of voters within {} s", QUORUM_MAX.as_secs());
        match made.map_err(|_| none()).and_then(|made| made) {
            Ok(()) => {
                let text = "the new operator's token is in this file; keep a copy of it elsewhere";
                tracing::info!(file = %file.display(), "{text}");
            }
            Err(error) => {
                let text = "no new operator's token was made; mend that and start this node again with \
                            --new-operator-token";
                handle.error(&error);
                tracing::error!(%error, "{text}");
                events.emit("operator.token_failed", None, text, &[("reason", error)]);
            }
        }
    });
    Ok(())
}

/// Tries as long as only a quorum is missing.
async fn until_made(mesh: &Mesh, store: &Store) -> Result<(), String> {
    loop {
        match attempt(mesh, store).await {
            Err(StoreError::Unavailable(why) | StoreError::Unanswered(why)) => {
                tracing::warn!(%why, "the new operator's token waits for a quorum of voters");
                tokio::time::sleep(PAUSE).await;
            }
            ended => return ended.map_err(|error| error.to_string()),
        }
    }
}

async fn attempt(mesh: &Mesh, store: &Store) -> Result<(), StoreError> {
    let newest = mesh.consensus.read_barrier(ATTEMPT_MAX).await;
    newest.map_err(|error| StoreError::Unavailable(error.to_string()))?;
    // It may have lost its vote while it was off.
    if !votes(mesh) {
        return Err(StoreError::Conflict(refusal(&store.cluster().members)));
    }
    store.replace_operator_token().await
}

fn votes(mesh: &Mesh) -> bool {
    let status = mesh.consensus.status();
    status.voters.contains(&status.node)
}

fn refusal(members: &Members) -> String {
    let voters: Vec<&str> = members.voters().map(|voter| voter.profile.name.as_str()).collect();
    let which = match voters.as_slice() {
        [] => String::new(),
        voters => format!(" ({})", voters.join(", ")),
    };
    format!(
        "--new-operator-token: this node is no voter, and only a voter may replace the operator's token; \
         start one of the voters{which} with it, and this node without"
    )
}

#[cfg(test)]
mod tests {
    use weir_cluster::members::{Change, Profile};
    use weir_model::{NodeId, Roles};

    use super::*;

    #[test]
    fn a_refusal_names_the_voters_that_may() {
        let mut members = Members::default();
        assert!(refusal(&members).contains("start one of the voters with it"));
        for id in 1..=3 {
            let (name, roles) = (format!("n{id}"), Roles::all());
            let profile = Profile { name, roles, ..Profile::default() };
            members.apply(&Change::Join { id: NodeId(id), profile }).unwrap();
        }
        for id in 1..=2 {
            members.apply(&Change::SetVoter { id: NodeId(id), voter: true }).unwrap();
        }
        let text = refusal(&members);
        assert!(text.contains("start one of the voters (n1, n2) with it"), "{text}");
    }
}
