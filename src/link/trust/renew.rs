//! Renewal of the node's own certificate at two thirds of its life.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use weir_model::Timestamp;

use super::{Credentials, Issued, NodeKey, PublicKey, Trust};
use crate::link::{Clock, Stop};

/// How often the age is looked at, and a failed renewal tried again: 10 days are left to succeed.
const CHECK: Duration = Duration::from_secs(60);

/// Has a public key signed, here or at a voter; the error is a sentence.
pub type Sign = Arc<dyn Fn(PublicKey) -> BoxFuture<'static, Result<Issued, String>> + Send + Sync>;

/// Whether a certificate is past two thirds of its life.
#[must_use]
pub const fn is_due(issued: &Issued, now: Timestamp) -> bool {
    let life = issued.not_after.since_ms(issued.not_before);
    now.since_ms(issued.not_before) >= life / 3 * 2
}

/// Renews until the node stops. A new key each time: an old one that leaked ends with its certificate. It was made at
/// the renewal before, so that everybody has long known it when it is shown.
pub(in crate::link) async fn keep(
    trust: Arc<Trust>,
    dir: Option<std::path::PathBuf>,
    sign: Sign,
    clock: Clock,
    mut stop: Stop,
) {
    loop {
        if is_due(&trust.issued(), clock())
            && let Err(error) = once(&trust, dir.as_deref(), &sign).await
        {
            tracing::warn!(%error, "the node's certificate could not be renewed; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(CHECK) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn once(trust: &Trust, dir: Option<&Path>, sign: &Sign) -> Result<(), String> {
    let ready = trust.next_key().map_err(|error| error.to_string())?;
    let key = ready.map_or_else(NodeKey::new, Ok).map_err(|error| error.to_string())?;
    let issued = sign(key.public()).await?;
    let next = NodeKey::new().map_err(|error| error.to_string())?;
    let credentials = Credentials::new(issued, &key).with_next(&next);
    trust.accepts(&credentials).map_err(|error| error.to_string())?;
    if let Some(dir) = dir {
        // First: what is not on the disk is due still, and tried again.
        credentials.save(dir).map_err(|error| error.to_string())?;
    }
    trust.renew(credentials).map_err(|error| error.to_string())?;
    tracing::info!("the node's certificate was renewed");
    Ok(())
}
