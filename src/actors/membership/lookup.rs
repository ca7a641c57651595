//! Where members are: their names looked up all at once, for a bounded time, and remembered.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use weir_model::NodeId;

use crate::link::peers::PeerAddress;

/// What is not found in this time has no address for now. A newcomer waits for it, and so does a change of the
/// directory; resolvers that live answer in a tenth of it.
const LOOK_UP_MAX: Duration = Duration::from_secs(2);
/// Names that are looked up at once; each holds a thread until the resolver gives up.
const LOOK_UPS_MAX: usize = 32;

/// Members with their link's `host:port`.
pub(super) type Links = BTreeMap<NodeId, String>;

/// What was found so far. An address that is not found again stays: a resolver that is away must not cut links.
#[derive(Debug, Default)]
pub(super) struct Book(BTreeMap<NodeId, (String, Vec<SocketAddr>)>);

impl Book {
    /// Everybody in `links`, as far as known without asking anybody.
    pub(super) fn peers(&self, links: &Links) -> Vec<PeerAddress> {
        links.iter().map(|(node, link)| self.peer(*node, link)).collect()
    }

    fn peer(&self, node: NodeId, link: &str) -> PeerAddress {
        let literal = || link.parse().map(|address| vec![address]).unwrap_or_default();
        let found = self.0.get(&node).filter(|(of, _)| of == link);
        PeerAddress { node, addresses: found.map_or_else(literal, |(_, found)| found.clone()) }
    }

    /// Whether somebody in `links` has a name that was never found.
    pub(super) fn lacks(&self, links: &Links) -> bool {
        links.iter().any(|(node, link)| self.peer(*node, link).addresses.is_empty())
    }

    /// Looks the names in `links` up and forgets all others. Whoever could not be found is named in the log.
    pub(super) async fn look_up(&mut self, links: &Links) {
        self.0.retain(|node, (link, _)| links.get(node) == Some(link));
        let mut names = Vec::new();
        for (node, link) in links {
            if link.parse::<SocketAddr>().is_err() {
                names.push(find(*node, link.clone()));
            }
        }
        let mut finding = stream::iter(names).buffer_unordered(LOOK_UPS_MAX);
        let all = async {
            while let Some((node, link, found)) = finding.next().await {
                if !found.is_empty() {
                    self.0.insert(node, (link, found));
                }
            }
        };
        // What has come until then is kept.
        let _ = tokio::time::timeout(LOOK_UP_MAX, all).await;
        for (node, link) in links {
            if self.peer(*node, link).addresses.is_empty() {
                tracing::warn!(%node, link, "a node's address is not found; check `node.address` there");
            }
        }
    }
}

async fn find(node: NodeId, link: String) -> (NodeId, String, Vec<SocketAddr>) {
    let found = tokio::net::lookup_host(&link).await.map(Iterator::collect).unwrap_or_default();
    (node, link, found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(of: &[(u64, &str)]) -> Links {
        of.iter().map(|(node, link)| (NodeId(*node), (*link).to_owned())).collect()
    }

    #[test]
    fn an_address_needs_no_look_up_and_a_name_does() {
        let (book, links) = (Book::default(), links(&[(1, "10.0.0.1:7071"), (2, "node:7071")]));
        let peers = book.peers(&links);
        assert_eq!(peers[0].addresses, ["10.0.0.1:7071".parse().unwrap()]);
        assert_eq!((peers[1].node, peers[1].addresses.len()), (NodeId(2), 0));
        assert!(book.lacks(&links));
    }

    #[tokio::test]
    async fn a_name_that_is_not_found_again_keeps_its_address_and_a_moved_node_does_not() {
        let mut book = Book::default();
        let here = links(&[(1, "localhost:7071")]);
        book.look_up(&here).await;
        assert!(!book.lacks(&here));
        let found: SocketAddr = "10.0.0.9:7071".parse().unwrap();
        let lost = links(&[(1, "no-such-name.invalid:7071")]);
        book.0.insert(NodeId(1), (lost[&NodeId(1)].clone(), vec![found]));
        book.look_up(&lost).await;
        assert_eq!(book.peers(&lost)[0].addresses, [found]);
        assert!(book.lacks(&links(&[(1, "no-such-name.invalid:1")])));
    }
}
