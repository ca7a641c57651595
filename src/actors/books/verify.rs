//! The job that looks at every record of this node's journal: whether each follows on the one before, is the one that
//! was made, and brings about what it says.

use std::sync::Arc;

use parking_lot::Mutex;
use weir_model::Timestamp;
use weir_model::money::{LedgerFault, Verification};

use crate::actors::clock;
use crate::store::ledger::Ledger;

/// Whatever is known of the newest run; one goes at a time.
#[derive(Default)]
pub(super) struct Job {
    newest: Mutex<Option<Verification>>,
}

impl Job {
    /// How far it is. Begins when it never ran, or is over and shall `begin` anew.
    pub(super) fn run(
        self: &Arc<Self>,
        ledger: &Ledger,
        begin: bool,
        now: Timestamp,
    ) -> Verification {
        let mut newest = self.newest.lock();
        if let Some(known) = newest.as_ref().filter(|known| known.running || !begin) {
            return known.clone();
        }
        let begun = Verification {
            running: true,
            checked: 0,
            of: ledger.head().seq,
            fault: None,
            began_at: now,
            ended_at: None,
        };
        *newest = Some(begun.clone());
        let (job, ledger) = (Arc::clone(self), ledger.clone());
        let started = std::thread::Builder::new().name("ledger verify".into()).spawn(move || {
            let fault = ledger.verify(&|checked| job.note(|one| one.checked = checked)).err();
            job.note(|one| {
                one.running = false;
                one.fault = fault.map(|fault| LedgerFault { seq: fault.seq, what: fault.what });
                one.ended_at = Some(clock::now());
            });
        });
        if let Err(error) = started {
            let what = format!("its thread does not start: {error}");
            let over =
                Verification { running: false, fault: Some(LedgerFault { seq: 0, what }), ..begun };
            *newest = Some(over.clone());
            return over;
        }
        begun
    }

    fn note(&self, change: impl FnOnce(&mut Verification)) {
        if let Some(one) = self.newest.lock().as_mut() {
            change(one);
        }
    }
}
