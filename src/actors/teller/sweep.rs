//! What ends by itself is told to the ledger: reserved money whose time is over is its payer's again, what is left of
//! given money is gone, and what a streamer earned long enough ago is payable. The leader does it, a bounded part at a
//! time; each command names what it is about, so that it is done once whoever does it.

use std::time::Duration;

use futures_util::future::join_all;
use weir_ledger::Request;
use weir_ledger::request::Refs;
use weir_ledger::state::Expiring;
use weir_model::AccountId;

use super::Teller;
use crate::actors::clock;
use crate::actors::tasks::{Handle, Tasks};
use crate::raft::Consensus;
use crate::store::ledger::Ledger;

/// How often the leader looks.
const LOOK: Duration = Duration::from_secs(5);
/// What is told at once; the rest waits for the next look.
const AT_ONCE: usize = 256;

impl Teller {
    /// Tells the ledger of `ledger`'s node what has ended, as long as that node leads.
    pub fn sweep(&self, ledger: Ledger, consensus: Consensus, tasks: &Tasks) {
        let teller = self.clone();
        tasks.spawn("ledger sweep", |handle| async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => {}
                    () = handle.stopping() => return,
                }
                if consensus.leads() {
                    teller.sweep_once(&ledger, &handle).await;
                }
            }
        });
    }

    async fn sweep_once(&self, ledger: &Ledger, handle: &Handle) {
        let now = clock::now().into();
        let due: Vec<Expiring> = ledger.read(|state| state.expired(now).take(AT_ONCE).collect());
        handle.idle(due.len() as u64);
        join_all(due.into_iter().map(|what| self.end(what))).await;
    }

    async fn end(&self, what: Expiring) {
        let (reason, refs) = ("its time is over".to_owned(), Refs::default());
        let command = what.command();
        let request = Request { id: 0, by: AccountId(0), reason, refs, command };
        match self.ask(&request).await.map(|told| told.answer.result) {
            Ok(Ok(_)) => {}
            // By the ledger's own time, which is another clock's, it is not due yet.
            Ok(Err(refusal)) => tracing::debug!(%refusal, ?what, "it has not ended"),
            Err(error) => tracing::debug!(%error, ?what, "it is told again"),
        }
    }
}
