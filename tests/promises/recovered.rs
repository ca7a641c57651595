//! The disk with the operator's token is lost: whoever has the machine of a voter makes a new one, and the cluster is
//! operated on.

use std::os::unix::fs::PermissionsExt;

use weir_model::cluster::NodeChange;

use crate::harness::cluster::{SOON, member};
use crate::harness::{Cluster, eventually};

const NEW_TOKEN: &str = "--new-operator-token";

/// The token in a node's data directory, once it is another one than `old`.
async fn new_token(cluster: &Cluster, node: usize, old: &str) -> String {
    let file = cluster.node(node).token_file();
    eventually("a new operator's token", SOON, async || {
        let text = std::fs::read_to_string(&file).ok()?.trim().to_owned();
        (text != old).then_some(text)
    })
    .await
}

/// All of these nodes take the new token and none takes the old one, and say so without telling either.
async fn replaced_everywhere(cluster: &Cluster, nodes: &[usize], old: &str, new: &str) {
    for node in nodes.iter().copied() {
        let api = cluster.api(node).with_token(new);
        eventually("the new token is good", SOON, async || api.status().await.ok()).await;
        let refused = api.with_token(old).status().await.unwrap_err();
        assert_eq!(refused.status.as_u16(), 401, "n{node}: {refused:?}");
        let told = cluster.eventually_event(node, "operator.token_replaced", |_| true).await;
        assert_eq!(told.fields["node"], "n1");
        let (told, log) = (format!("{told:?}"), cluster.node(node).log());
        for secret in [old, new] {
            assert!(!told.contains(secret) && !log.contains(secret), "n{node} tells a secret");
        }
    }
}

#[tokio::test]
async fn a_cluster_that_lost_its_founders_disk_gets_a_new_operators_token_from_another_voter() {
    let mut cluster = Cluster::start(3, 1).await;
    let founders = std::fs::read_to_string(cluster.node(0).token_file()).unwrap();
    let founders = founders.trim().to_owned();
    assert!(!cluster.node(1).token_file().exists(), "it lies at one node only");
    cluster.kill(0);
    std::fs::remove_dir_all(cluster.node(0).data()).unwrap();

    cluster.kill(1);
    cluster.node_mut(1).add_arguments(&[NEW_TOKEN]);
    cluster.restart(1).await;
    let second = new_token(&cluster, 1, "").await;
    cluster.move_home(1);
    let file = cluster.node(1).token_file();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    replaced_everywhere(&cluster, &[1, 2, 3], &founders, &second).await;
    let log = cluster.node(1).log();
    assert!(log.contains(&file.display().to_string()), "it says where the token is:\n{log}");

    for change in [NodeChange::Demote, NodeChange::Remove] {
        cluster.change(2, 0, change).await;
    }
    let new = cluster.join(&["ingest", "edge", "voter"]).await;
    cluster.change(3, new, NodeChange::Promote).await;
    cluster
        .eventually_sees(3, "three voters without the founder", |status| {
            (status.quorum.voters == 3 && member(status, 0).is_none()).then_some(())
        })
        .await;

    cluster.kill(1);
    cluster.restart(1).await;
    let third = new_token(&cluster, 1, &second).await;
    replaced_everywhere(&cluster, &[1, 2, 3, new], &second, &third).await;
}

#[tokio::test]
async fn who_does_not_vote_gets_no_new_operators_token() {
    let mut cluster = Cluster::start(1, 1).await;
    let unpromoted = cluster.join(&["ingest", "edge", "voter"]).await;
    for node in [1, unpromoted] {
        cluster.kill(node);
        cluster.node_mut(node).add_arguments(&[NEW_TOKEN]);
        let said = cluster.node_mut(node).run_in_vain().await;
        assert!(said.contains("this node is no voter"), "{said}");
        assert!(said.contains("start one of the voters (n0) with it"), "{said}");
        assert!(!cluster.node(node).token_file().exists());
    }
    cluster.status(0).await;
}

#[tokio::test]
async fn without_a_quorum_a_new_operators_token_is_waited_for_and_the_old_one_stays() {
    let mut cluster = Cluster::start(3, 0).await;
    let old = std::fs::read_to_string(cluster.node(0).token_file()).unwrap().trim().to_owned();
    (0..3).for_each(|node| cluster.kill(node));
    cluster.node_mut(0).add_arguments(&[NEW_TOKEN]);
    cluster.restart(0).await;
    eventually("it says what it waits for", SOON, async || {
        cluster.node(0).log().contains("waits for a quorum").then_some(())
    })
    .await;
    cluster.status(0).await;
    assert_eq!(std::fs::read_to_string(cluster.node(0).token_file()).unwrap().trim(), old);
    cluster.restart(1).await;
    new_token(&cluster, 0, &old).await;
    let api = cluster.api(1);
    eventually("the new token is good", SOON, async || api.status().await.ok()).await;
    assert!(api.with_token(&old).status().await.is_err());
}
