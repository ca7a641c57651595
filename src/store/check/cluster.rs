//! Members, leases and invitations that do not fit each other.

use std::collections::BTreeMap;

use weir_cluster::Directory;
use weir_cluster::limits::VOTERS_MAX;

use super::super::entry::{Entry, lease_name, member_name};
use super::{Catalog, Problem};

/// What the rules of the cluster never leave behind.
pub(super) fn misfits(catalog: &Catalog) -> Vec<Problem> {
    let directory = &catalog.directory;
    let mut problems = members(directory);
    problems.extend(leases(directory));
    problems.extend(invites(catalog));
    let changed = catalog.changed > 0;
    if !changed && directory.parts().next().is_some() {
        problems.push(problem("changed", "is missing, though there are members or leases"));
    }
    problems
}

fn members(directory: &Directory) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut names = BTreeMap::new();
    for member in directory.members.iter() {
        let at = member_name(member.id);
        if directory.members.was_removed(member.id) {
            problems.push(problem(&at, "is also among the removed"));
        }
        if let Some(twin) = names.insert(&member.profile.name, member.id) {
            let name = &member.profile.name;
            let text = format!("has the same name `{name}` as {}", member_name(twin));
            problems.push(problem(&at, &text));
        }
    }
    let voters = directory.members.voters().count();
    if voters > VOTERS_MAX {
        problems.push(problem("member/", &format!("{voters} of them vote, at most {VOTERS_MAX}")));
    }
    problems
}

fn leases(directory: &Directory) -> Vec<Problem> {
    let (members, leases) = (&directory.members, &directory.leases);
    let mut problems = Vec::new();
    for lease in leases.iter() {
        let at = lease_name(&lease.actor);
        match members.of(lease.node) {
            None => {
                problems.push(problem(&at, &format!("its owner {} is no member", lease.node)));
            }
            Some(owner) if !owner.is_alive() || owner.incarnation != lease.incarnation => {
                let text = format!("its owner {} was given up or started again", lease.node);
                problems.push(problem(&at, &text));
            }
            Some(_) => {}
        }
        if leases.vacancy(&lease.actor).is_some() {
            problems.push(problem(&at, "is also listed as vacant"));
        }
    }
    let held = leases.iter().map(|lease| lease.epoch);
    let newest = held.chain(leases.vacancies().map(|(_, lost)| lost.epoch)).max();
    if let Some(newest) = newest.filter(|newest| *newest > leases.newest()) {
        let text = format!("is {}, but epoch {newest} was given", leases.newest());
        problems.push(problem("epoch", &text));
    }
    problems
}

fn invites(catalog: &Catalog) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut hashes = BTreeMap::new();
    for invite in catalog.invites.values() {
        let at = Entry::Invite(invite.clone()).name();
        if let Some(twin) = hashes.insert(invite.hash.0, at.clone()) {
            problems.push(problem(&at, &format!("has the same secret as {twin}; revoke both")));
        }
    }
    problems
}

fn problem(at: &str, text: &str) -> Problem {
    Problem { at: at.into(), text: text.into(), fatal: false }
}
