use proptest::prelude::*;

use super::*;

fn site(id: u64, fan_out: u32) -> Site {
    Site { id: NodeId(id), zone: None, fan_out, relays: true }
}

fn ids(ids: impl IntoIterator<Item = u64>) -> BTreeSet<NodeId> {
    ids.into_iter().map(NodeId).collect()
}

fn demand(edges: impl IntoIterator<Item = u64>, copies: usize) -> Demand {
    let (origins, edges) = (ids([0]), ids(edges));
    Demand { stream: "demo".into(), origins, edges, copies, ..Demand::default() }
}

fn from_of(plan: &Plan, node: u64) -> Option<u64> {
    plan.pulls.get(&NodeId(node)).map(|pull| pull.from.0)
}

#[test]
fn everybody_pulls_from_the_origin_while_it_has_room() {
    let sites: Vec<Site> = (0..=20).map(|id| site(id, 20)).collect();
    let made = plan(&sites, &demand(1..=20, 0), &Plan::default());
    assert_eq!(made.children(NodeId(0)).count(), 20);
    assert!(
        made.pulls.values().all(|pull| pull.hops == [NodeId(0)] && pull.role == ReplicaRole::Edge)
    );
}

#[test]
fn a_tree_grows_when_the_origin_is_full_and_no_budget_is_exceeded_in_it() {
    let sites: Vec<Site> = (0..100).map(|id| site(id, 4)).collect();
    let made = plan(&sites, &demand(1..100, 0), &Plan::default());
    assert_eq!((made.pulls.len(), made.over_budget.len()), (99, 0));
    let depth = made.pulls.values().map(|pull| pull.hops.len()).max();
    assert_eq!(depth, Some(4), "4 + 16 + 64 = 84 at three hops, the rest at four");
}

#[test]
fn the_tree_prefers_parents_in_the_same_zone_at_the_same_distance() {
    let zoned = |id, zone: &str, fan_out| Site { zone: Some(zone.into()), ..site(id, fan_out) };
    let sites = [
        zoned(0, "a", 2),
        zoned(1, "a", 9),
        zoned(2, "b", 9),
        zoned(3, "b", 0),
        zoned(4, "a", 0),
        zoned(5, "b", 0),
    ];
    let made = plan(&sites, &demand(1..=5, 0), &Plan::default());
    let parents: Vec<_> = (1..=5).map(|node| from_of(&made, node)).collect();
    assert_eq!(parents, [Some(0), Some(0), Some(2), Some(1), Some(2)]);
}

#[test]
fn a_wide_node_takes_the_place_of_a_leaf_when_there_is_no_room() {
    let (narrow, wide) = ([site(0, 1), site(1, 0)], [site(0, 1), site(1, 0), site(2, 5)]);
    let before = plan(&narrow, &demand([1], 0), &Plan::default());
    let made = plan(&wide, &demand([1, 2], 0), &before);
    assert_eq!((from_of(&made, 2), from_of(&made, 1)), (Some(0), Some(2)));
    assert_eq!(made.over_budget, []);
}

#[test]
fn an_exceeded_budget_is_said_and_everybody_is_reached_all_the_same() {
    let sites = [site(0, 1), site(1, 0), site(2, 0)];
    let made = plan(&sites, &demand([1, 2], 0), &Plan::default());
    assert_eq!(made.pulls.len(), 2);
    assert_eq!(made.over_budget, [OverBudget { node: NodeId(0), children: 2, fan_out: 1 }]);
}

#[test]
fn nobody_exceeds_a_budget_while_somebody_yet_to_be_attached_has_room() {
    let sites = [site(0, 0), site(1, 4), site(2, 2), site(3, 1)];
    let avoid = [(NodeId(2), ids([1]))].into();
    let demand = Demand { avoid, ..demand(1..=3, 0) };
    let made = plan(&sites, &demand, &Plan::default());
    let parents: Vec<_> = (1..=3).map(|node| from_of(&made, node)).collect();
    assert_eq!(parents, [Some(0), Some(3), Some(1)], "only the first has to, 2 waits for 3");
    assert_eq!(plan(&sites, &demand, &made), made);
}

#[test]
fn copies_are_kept_on_distinct_nodes_and_first_on_those_that_have_it_anyway() {
    let sites: Vec<Site> = (0..6).map(|id| site(id, 9)).collect();
    let made = plan(&sites, &demand([4], 3), &Plan::default());
    assert_eq!((made.replicas.len(), made.missing_copies), (2, 0));
    assert!(made.replicas.contains(&NodeId(4)));
    assert_eq!(made.pulls[&NodeId(4)].role, ReplicaRole::Edge);
    let quiet = plan(&sites, &demand([], 3), &made);
    assert_eq!(quiet.replicas, made.replicas, "its viewers gone, it stays a copy");
    assert_eq!(quiet.pulls[&NodeId(4)].role, ReplicaRole::Replica);
    assert_eq!(plan(&sites[..2], &demand([], 3), &made).missing_copies, 1);
}

#[test]
fn without_an_origin_the_plan_says_who_is_waiting() {
    let made = plan(&[site(1, 9)], &demand([1], 1), &Plan::default());
    assert_eq!((made.pulls.len(), made.unreached), (0, ids([1])));
}

#[test]
fn nobody_hangs_below_a_node_that_is_being_drained() {
    let mut sites = vec![site(0, 1), site(1, 5), site(2, 5), site(3, 5)];
    let before = plan(&sites, &demand(1..=3, 0), &Plan::default());
    let relay = from_of(&before, 1).filter(|from| *from != 0).or_else(|| from_of(&before, 2));
    let relay = relay.filter(|from| *from != 0).unwrap_or(1);
    sites[relay as usize].relays = false;
    let made = plan(&sites, &demand(1..=3, 0), &before);
    assert_eq!(made.children(NodeId(relay)).count(), 0);
    assert_eq!((made.pulls.len(), made.over_budget.len()), (3, 0), "{made:?}");
}

#[test]
fn a_new_owner_goes_on_from_what_it_finds_even_when_that_is_a_circle() {
    let sites: Vec<Site> = (0..5).map(|id| site(id, 2)).collect();
    let made = plan(&sites, &demand(1..5, 0), &Plan::default());
    let found = made.pulls.iter().map(|(node, pull)| (*node, pull.from, pull.role));
    assert_eq!(plan(&sites, &demand(1..5, 0), &Plan::observed(found)), made);
    let edge = |node, from| (NodeId(node), NodeId(from), ReplicaRole::Edge);
    let circle = Plan::observed([edge(1, 2), edge(2, 3), edge(3, 1), edge(4, 4)]);
    check(&sites, &demand(1..5, 0), &plan(&sites, &demand(1..5, 0), &circle));
}

#[test]
fn a_circle_and_a_long_way_are_refused_and_two_who_ask_each_other_agree() {
    assert_eq!(admit(NodeId(3), &[NodeId(0), NodeId(1)]), Ok(()));
    assert_eq!(admit(NodeId(1), &[NodeId(0), NodeId(1)]), Err(HopRefusal::Circle));
    assert_eq!(admit(NodeId(3), &[NodeId(0), NodeId(0)]), Err(HopRefusal::Circle));
    let long: Vec<NodeId> = (10..=10 + HOPS_MAX as u64).map(NodeId).collect();
    assert_eq!(admit(NodeId(3), &long), Err(HopRefusal::TooFar));
    assert!(keeps_its_pull((NodeId(1), None), (NodeId(2), Some(1))));
    assert!(keeps_its_pull((NodeId(2), Some(2)), (NodeId(1), Some(2))));
}

/// What holds for every plan.
fn check(sites: &[Site], demand: &Demand, made: &Plan) {
    let site = |id: NodeId| sites.iter().find(|site| site.id == id);
    let alive: Vec<NodeId> =
        demand.origins.iter().copied().filter(|id| site(*id).is_some()).collect();
    for edge in demand.edges.iter().filter(|id| site(**id).is_some() && !alive.contains(id)) {
        assert!(made.pulls.contains_key(edge) != alive.is_empty(), "{edge} is reached");
    }
    for (node, pull) in &made.pulls {
        assert_eq!(admit(*node, &pull.hops), Ok(()), "no circle, bounded depth");
        assert!(alive.contains(&pull.hops[0]) && pull.hops.last() == Some(&pull.from));
        for pair in pull.hops.windows(2) {
            assert_eq!(made.pulls[&pair[1]].from, pair[0]);
        }
        let avoids = demand.avoid.get(node).is_some_and(|avoid| avoid.contains(&pull.from));
        let may = !avoids && site(pull.from).unwrap().relays;
        assert!(alive.contains(&pull.from) || may, "{node} pulls from {}", pull.from);
    }
    for site in sites {
        let children = made.children(site.id).count() as u32;
        let said = made.over_budget.iter().find(|over| over.node == site.id);
        assert_eq!(said.map(|over| over.children), (children > site.fan_out).then_some(children));
    }
    check_copies(sites, demand, made, &alive);
}

fn check_copies(sites: &[Site], demand: &Demand, made: &Plan, alive: &[NodeId]) {
    let able = sites.iter().filter(|site| site.relays || alive.contains(&site.id));
    let able: Vec<&Site> = able.collect();
    let holders: BTreeSet<NodeId> = made.replicas.iter().chain(alive).copied().collect();
    assert_eq!(holders.len(), made.replicas.len() + alive.len(), "distinct nodes");
    let asked = demand.copies.max(alive.len()).min(able.len());
    assert_eq!(holders.len(), asked);
    let domains =
        |of: &mut dyn Iterator<Item = &Site>| of.map(copies::domain).collect::<BTreeSet<_>>().len();
    let covered = domains(&mut able.iter().copied().filter(|site| holders.contains(&site.id)));
    let origins = domains(&mut able.iter().copied().filter(|site| alive.contains(&site.id)));
    let all = domains(&mut able.iter().copied());
    let best = (origins + asked - alive.len()).min(all);
    assert_eq!(covered, best, "as many failure domains as can be");
}

fn any_site(id: u64) -> impl Strategy<Value = Option<Site>> {
    let zone = prop::option::of(prop_oneof![Just("a".to_owned()), Just("b".to_owned())]);
    let made = (zone, 0u32..5, prop::bool::weighted(0.9));
    let made = made.prop_map(move |(zone, fan_out, relays)| Site {
        id: NodeId(id),
        zone,
        fan_out,
        relays,
    });
    prop::option::weighted(0.9, made)
}

fn any_sites() -> impl Strategy<Value = Vec<Site>> {
    let sites: Vec<_> = (0..24).map(any_site).collect();
    sites.prop_map(|sites| sites.into_iter().flatten().collect())
}

fn any_demand() -> impl Strategy<Value = Demand> {
    let origins = prop::collection::btree_set(0u64..24, 1..3);
    let edges = prop::collection::btree_set(0u64..26, 0..24);
    let avoided = prop::collection::btree_set(0u64..24, 0..4).prop_map(ids);
    let avoid = prop::collection::btree_map((0u64..24).prop_map(NodeId), avoided, 0..6);
    (origins, edges, 0usize..5, avoid).prop_map(|(origins, edges, copies, avoid)| Demand {
        stream: "demo".into(),
        origins: ids(origins),
        edges: ids(edges),
        copies,
        avoid,
    })
}

fn any_before() -> impl Strategy<Value = Plan> {
    let pull = (0u64..26, 0u64..26, any::<bool>());
    prop::collection::vec(pull, 0..30).prop_map(|pulls| {
        let role = |keeps| if keeps { ReplicaRole::Replica } else { ReplicaRole::Edge };
        Plan::observed(pulls.into_iter().map(|(a, b, keeps)| (NodeId(a), NodeId(b), role(keeps))))
    })
}

proptest! {
    #[test]
    fn every_plan_reaches_everybody_without_circles_within_bounds_or_says_so(
        sites in any_sites(), demands in prop::collection::vec(any_demand(), 1..4), before in any_before()
    ) {
        let mut before = before;
        for demand in &demands {
            let made = plan(&sites, demand, &before);
            check(&sites, demand, &made);
            before = made;
        }
    }

    #[test]
    fn the_same_demand_again_changes_nothing(sites in any_sites(), demand in any_demand()) {
        let first = plan(&sites, &demand, &Plan::default());
        prop_assert_eq!(plan(&sites, &demand, &first), first);
    }

    #[test]
    fn an_edge_that_leaves_moves_only_what_hung_below_it_and_one_that_comes_moves_nobody(
        edges in prop::collection::btree_set(1u64..40, 2..40), fan_out in 1u32..5, dies: bool, pick: usize
    ) {
        let sites: Vec<Site> = (0..40).map(|id| site(id, fan_out)).collect();
        let before = plan(&sites, &demand(edges.clone(), 0), &Plan::default());
        let gone = *edges.iter().nth(pick % edges.len()).unwrap();
        let rest = edges.iter().copied().filter(|id| *id != gone);
        let alive: Vec<Site> = sites.iter().filter(|site| !dies || site.id.0 != gone).cloned().collect();
        let after = plan(&alive, &demand(rest, 0), &before);
        if before.over_budget.is_empty() {
            for (node, pull) in &after.pulls {
                // What hung below it may stand too deep at its new place, and then what is below that moves too.
                let old = &before.pulls[node];
                prop_assert!(old.from == pull.from || old.hops.contains(&NodeId(gone)));
            }
        }
        let back = plan(&sites, &demand(edges, 0), &after);
        if !after.over_budget.is_empty() {
            return Ok(());
        }
        for (node, pull) in &after.pulls {
            prop_assert_eq!(back.pulls[node].from, pull.from);
        }
    }
}
