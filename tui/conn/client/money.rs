//! Asks the live node about money.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use tokio::try_join;
use weir_client::{Client, ClientError};
use weir_model::SessionId;
use weir_model::api::session::SessionQuery;
use weir_model::session::{SessionInfo, SessionState};

use super::super::money::{BILLS_MAX, MoneyTold, ROWS_MAX};
use crate::state::nav::MoneyPage;

/// A node that runs a session and takes longer is left out of this look.
const BILL_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) async fn told(client: &Client, page: &MoneyPage) -> Result<MoneyTold, ClientError> {
    Ok(match page {
        MoneyPage::Sessions => MoneyTold::Sessions(sessions(client).await?),
        MoneyPage::Session(id) => MoneyTold::Session(Box::new(client.session(*id).await?)),
    })
}

/// Those that run, however old they are, and the newest others. The list does not say what running sessions have cost
/// until now; each of them does.
async fn sessions(client: &Client) -> Result<Vec<SessionInfo>, ClientError> {
    let query = |state| SessionQuery { state, limit: Some(ROWS_MAX), channel: None };
    let (live, newest) = (query(Some(SessionState::Live)), query(None));
    let (mut all, newest) = try_join!(client.sessions(&live), client.sessions(&newest))?;
    let known: BTreeSet<SessionId> = all.iter().map(|one| one.id).collect();
    all.extend(newest.into_iter().filter(|one| !known.contains(&one.id)));
    let running = all.iter_mut().filter(|one| one.state == SessionState::Live).take(BILLS_MAX);
    let asked = running.map(|one| async move {
        if let Ok(Ok(billed)) = timeout(BILL_TIMEOUT, client.session(one.id)).await {
            *one = billed;
        }
    });
    join_all(asked).await;
    Ok(all)
}
