//! Admits newcomers: uses their invitation up and makes them members, in one step of the log.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::BoxFuture;
use weir_cluster::members::{KeyPrint, Keys, Member, Profile};
use weir_model::{NodeId, Role, Roles};

use super::lookup::Book;
use crate::actors::clock;
use crate::actors::events::Events;
use crate::link::invite::admit::SEEDS_MAX;
use crate::link::invite::{Admitted, Ask, Joins};
use crate::link::peers::PeerAddress;
use crate::link::request::Refusal;
use crate::store::{InviteRefusal, Store, StoreError};

/// The directory behind the link's door for newcomers.
pub struct Admission {
    /// Invitations and members.
    pub store: Store,
    /// Where refusals are told.
    pub events: Events,
}

impl Joins for Admission {
    fn admit(&self, ask: Ask) -> BoxFuture<'static, Result<Admitted, Refusal>> {
        let (store, events) = (self.store.clone(), self.events.clone());
        Box::pin(async move {
            let name = ask.name.clone();
            let fields = [("node", name.clone()), ("from", ask.from.to_string())];
            let admitted = admit(&store, ask).await;
            if let Err(refusal) = &admitted {
                let text = format!("node {name} was not admitted: {refusal}");
                events.emit_refusal("node.refused", None, text, &fields);
            }
            admitted
        })
    }

    fn roles(
        &self,
        node: NodeId,
        now: BTreeSet<String>,
    ) -> BoxFuture<'static, Result<BTreeSet<String>, Refusal>> {
        let directory = self.store.cluster();
        let member = directory.members.of(node);
        let answer = member.map(|_| now).ok_or_else(|| {
            Refusal::new("not_a_member", "that node is no member of the cluster; invite it again")
        });
        Box::pin(std::future::ready(answer))
    }
}

async fn admit(store: &Store, ask: Ask) -> Result<Admitted, Refusal> {
    let hash = ask.secret.hash(&store.invitation_key());
    let roles: Roles = ask.roles.iter().filter_map(|word| word.parse::<Role>().ok()).collect();
    let key = ask.key.fingerprint();
    // Who names no next key is of a version that takes a new one without a word: any is believed.
    let next = ask.next.map(|next| next.fingerprint());
    let keys =
        next.map_or_else(Keys::default, |next| [key, next].map(|key| KeyPrint(key.0)).into());
    let link = ask.addresses.first().map(ToString::to_string).unwrap_or_default();
    let profile = Profile {
        name: ask.name,
        link,
        roles,
        labels: BTreeMap::new(),
        version: ask.program,
        keys,
        ..Profile::default()
    };
    let admission = store.use_invite(hash, ask.node, key.0, profile, clock::now()).await;
    let admission = admission.map_err(|error| refusal(&error))?;
    Ok(Admitted {
        roles: admission.roles.iter().map(|role| role.as_str().to_owned()).collect(),
        peers: peers(store).await,
    })
}

/// Where the members are, for somebody who has no directory yet: voters first, one of whom leads and will send it.
async fn peers(store: &Store) -> Vec<PeerAddress> {
    let directory = store.cluster();
    let mut first: Vec<&Member> = directory.members.iter().collect();
    first.sort_by_key(|member| !member.voter);
    let links =
        first.iter().take(SEEDS_MAX).map(|one| (one.id, one.profile.link.clone())).collect();
    let mut book = Book::default();
    book.look_up(&links).await;
    book.peers(&links)
}

fn refusal(error: &StoreError) -> Refusal {
    let code = match error {
        StoreError::Invite(InviteRefusal::Unknown) => "unknown_token",
        StoreError::Invite(InviteRefusal::Expired(_)) => "expired_token",
        StoreError::Invite(InviteRefusal::Used | InviteRefusal::Revoked) => "used_token",
        StoreError::Invite(InviteRefusal::Role(_)) => "role",
        StoreError::Invite(InviteRefusal::Member(_)) => "member",
        StoreError::Cluster(_) => "not_admitted",
        _ => "unavailable",
    };
    Refusal::new(code, error.to_string())
}
