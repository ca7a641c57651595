//! Which nodes keep a stream's window with or without viewers.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use weir_model::NodeId;

use super::{Demand, Site};
use crate::rendezvous;

/// Chooses the nodes beside the origins. As many failure domains as can be; then those that do it already, then
/// those that have the stream anyway, then by the hash of its name.
pub(super) fn choose(
    sites: &BTreeMap<NodeId, &Site>,
    origins: &BTreeSet<NodeId>,
    demand: &Demand,
    copies: usize,
    before: &BTreeSet<NodeId>,
) -> BTreeSet<NodeId> {
    let needed = copies.saturating_sub(origins.len());
    let mut able: Vec<&Site> =
        sites.values().copied().filter(|site| site.relays && !origins.contains(&site.id)).collect();
    able.sort_by_cached_key(|site| {
        let ticket = rendezvous::ticket(&demand.stream, site.id, 1);
        (!before.contains(&site.id), !demand.edges.contains(&site.id), Reverse(ticket), site.id)
    });
    let mut covered: BTreeSet<String> =
        origins.iter().filter_map(|id| sites.get(id)).map(|site| domain(site)).collect();
    let mut chosen = BTreeSet::new();
    for site in &able {
        if chosen.len() < needed && covered.insert(domain(site)) {
            chosen.insert(site.id);
        }
    }
    for site in &able {
        if chosen.len() < needed {
            chosen.insert(site.id);
        }
    }
    chosen
}

/// What dies together. The marks keep a zone from being taken for a node.
pub(super) fn domain(site: &Site) -> String {
    site.zone.as_ref().map_or_else(|| format!("node {}", site.id), |zone| format!("zone {zone}"))
}
