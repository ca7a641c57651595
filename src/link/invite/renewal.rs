//! Renewal over the mesh: a node without the authority asks a voter.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use weir_model::NodeId;

use super::Unwelcome;
use super::admit::VOTER;
use crate::link::peers::{Mesh, PeerState};
use crate::link::request::{self, Caller, Kind, Refusal};
use crate::link::trust::renew::{self, Sign};
use crate::link::trust::{Issued, PublicKey, Reason};

/// The kind of the request.
const KIND: &str = "link.renew";
const KIND_LIMITS: Kind = Kind { request_bytes_max: 1024, answer_bytes_max: 16 * 1024 };
const DEADLINE: Duration = Duration::from_secs(5);

/// Answers the renewals of others and keeps the own certificate fresh.
pub(in crate::link) fn keep(mesh: &Arc<Mesh>) -> impl Future<Output = ()> + Send + use<> {
    // Handlers live as long as the mesh; they must not keep it alive.
    let weak = Arc::downgrade(mesh);
    let answer = move |caller: Caller, body: Bytes| {
        let mesh = weak.upgrade();
        let answer: BoxFuture<'static, _> = Box::pin(async move {
            let mesh = mesh.ok_or(Unwelcome::NotAVoter)?;
            let key =
                std::str::from_utf8(&body).ok().and_then(|text| PublicKey::from_hex(text).ok());
            let key = key.ok_or(Unwelcome::Malformed)?;
            let issued = sign(&mesh, caller.node, (*caller.roles).clone(), &key).await?;
            request::encoded(&issued)
        });
        answer
    };
    mesh.requests.write().insert(KIND.to_owned(), (KIND_LIMITS, Arc::new(answer)));
    let shared = Arc::clone(mesh);
    let own: Sign = Arc::new(move |key| Box::pin(obtain(Arc::clone(&shared), key)));
    renew::keep(
        Arc::clone(&mesh.trust),
        mesh.config.data_dir.clone(),
        own,
        Arc::clone(&mesh.world.clock),
        mesh.world.stop.clone(),
    )
}

async fn sign(
    mesh: &Mesh,
    node: NodeId,
    roles: BTreeSet<String>,
    key: &PublicKey,
) -> Result<Issued, Refusal> {
    let authority = mesh.trust.authority().ok_or(Unwelcome::NotAVoter)?;
    // With a certificate that nobody believes the node would be alone.
    if mesh.trust.forbidden().borrow().is_foreign(node, key.fingerprint()) {
        let text = "the key of the next certificate is not on record yet; it is asked for again in a minute";
        return Err(Refusal::new(Reason::ForeignKey.as_str(), text));
    }
    let roles = match &mesh.joins {
        Some(joins) => joins.roles(node, roles).await?,
        None => roles,
    };
    authority
        .issue(node, &roles, key, (mesh.world.clock)())
        .map_err(|error| Refusal::new("certificate", error.to_string()))
}

/// Has the own key signed: here, or at the first voter that does.
async fn obtain(mesh: Arc<Mesh>, key: PublicKey) -> Result<Issued, String> {
    if mesh.trust.authority().is_some() {
        let roles = mesh.trust.roles();
        let signed = sign(&mesh, mesh.trust.node(), roles, &key).await;
        return signed.map_err(|refusal| refusal.to_string());
    }
    let mut last = "no voter is connected".to_owned();
    let body = Bytes::from(key.to_hex());
    let voters = mesh.infos().into_iter().filter(|peer| {
        peer.state != PeerState::Awaited && peer.roles.iter().any(|role| role == VOTER)
    });
    for voter in voters {
        match request::call(&mesh, voter.node, KIND, body.clone(), DEADLINE).await {
            Ok(answer) => {
                return request::understood(voter.node, &answer).map_err(|error| error.to_string());
            }
            Err(error) => last = error.to_string(),
        }
    }
    Err(last)
}
