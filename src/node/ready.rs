//! Whether viewers should be sent to this node, as balancers ask it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use weir_cluster::views;
use weir_model::{Role, Roles};

use crate::actors::membership::{Membership, Standing};
use crate::link::Link;
use crate::store::Store;

/// What the answer is made of. Cheap to clone.
#[derive(Clone)]
pub(super) struct Ready {
    store: Store,
    membership: Membership,
    link: Link,
    roles: Roles,
    stopping: Arc<AtomicBool>,
}

impl Ready {
    pub(super) fn new(store: &Store, membership: &Membership, link: &Link, roles: Roles) -> Self {
        let (store, membership, link) = (store.clone(), membership.clone(), link.clone());
        Self { store, membership, link, roles, stopping: Arc::default() }
    }

    /// The node begins to stop.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Why viewers should be sent elsewhere, if they should.
    pub(super) fn away(&self) -> Option<&'static str> {
        if self.stopping.load(Ordering::Acquire) {
            return Some("stopping");
        }
        if !self.roles.contains(Role::Edge) {
            return Some("not an edge");
        }
        let standing = *self.membership.standing().borrow();
        let directory = self.store.cluster();
        // Whom it reaches matters only without the leader.
        let linked = if standing == Standing::Granted { Vec::new() } else { self.link.connected() };
        views::away(&directory.members, self.membership.node(), standing, &linked)
    }
}
