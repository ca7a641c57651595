//! The job that looks at every record of this node's journal: whether each follows on the one before, is the one that
//! was made, and brings about what it says.

use std::sync::Arc;

use parking_lot::Mutex;
use weir_ledger::verify::Fault;
use weir_model::money::{LedgerFault, Verification};
use weir_model::{ApiError, ErrorCode};

use crate::actors::clock;
use crate::store::ledger::Ledger;

/// Looks at every record; tells how many it found good.
type Check = Box<dyn FnOnce(&dyn Fn(u64)) -> Result<u64, Fault> + Send>;

/// Whatever is known of the newest run; one goes at a time.
#[derive(Default)]
pub(super) struct Job {
    newest: Mutex<Option<Result<Verification, ApiError>>>,
}

impl Job {
    /// How far it is. Begins when it never ran, or is over and shall `begin` anew.
    ///
    /// # Errors
    /// When it does not start, or broke off.
    pub(super) fn run(
        self: &Arc<Self>,
        ledger: &Ledger,
        begin: bool,
    ) -> Result<Verification, ApiError> {
        let all = ledger.clone();
        self.check(ledger.head().seq, begin, Box::new(move |note| all.verify(note)))
    }

    /// How far the newest run is.
    pub(super) fn newest(&self) -> Option<Result<Verification, ApiError>> {
        self.newest.lock().clone()
    }

    fn check(
        self: &Arc<Self>,
        of: u64,
        begin: bool,
        check: Check,
    ) -> Result<Verification, ApiError> {
        let mut newest = self.newest.lock();
        if let Some(known) = newest.as_ref() {
            let running = known.as_ref().is_ok_and(|known| known.running);
            if running || !begin {
                return known.clone();
            }
        }
        let begun = Verification {
            running: true,
            checked: 0,
            of,
            fault: None,
            began_at: clock::now(),
            ended_at: None,
        };
        *newest = Some(Ok(begun.clone()));
        // A run that does not even start says that it is over.
        drop(newest);
        let run = Run { job: Arc::clone(self), found: None };
        let thread = std::thread::Builder::new().name("ledger verify".into());
        let started = thread.spawn(move || run.look(check));
        started.map(|_| begun).map_err(|error| {
            let text = format!("the ledger is not verified: its thread does not start: {error}");
            let error = ApiError::new(ErrorCode::Internal, text);
            *self.newest.lock() = Some(Err(error.clone()));
            error
        })
    }

    fn note(&self, checked: u64) {
        if let Some(Ok(one)) = self.newest.lock().as_mut() {
            one.checked = checked;
        }
    }
}

/// A run. However it ends, it is over then.
struct Run {
    job: Arc<Job>,
    found: Option<Result<u64, Fault>>,
}

impl Run {
    fn look(mut self, check: Check) {
        let job = Arc::clone(&self.job);
        self.found = Some(check(&|checked| job.note(checked)));
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let mut newest = self.job.newest.lock();
        let Some(Ok(one)) = newest.as_mut() else { return };
        match self.found.take() {
            Some(found) => {
                let fault = found.err();
                one.fault = fault.map(|fault| LedgerFault { seq: fault.seq, what: fault.what });
                one.running = false;
                one.ended_at = Some(clock::now());
            }
            None => {
                let text = format!("verifying the ledger broke off behind record {}", one.checked);
                let hint = "the log of the node says why; `weir ledger verify` begins anew";
                *newest = Some(Err(ApiError::new(ErrorCode::Internal, text).hint(hint)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is known when the run is over.
    fn over(job: &Arc<Job>) -> Result<Verification, ApiError> {
        loop {
            match job.check(9, false, Box::new(|_| Ok(0))) {
                Ok(known) if known.running => std::thread::yield_now(),
                known => return known,
            }
        }
    }

    #[test]
    fn a_run_that_breaks_off_is_over_and_says_so() {
        let job = Arc::new(Job::default());
        let broken = |note: &dyn Fn(u64)| {
            note(3);
            panic!("a record that nobody thought of");
        };
        assert!(job.check(9, true, Box::new(broken)).unwrap().running);
        let error = over(&job).unwrap_err();
        assert_eq!(error.code, ErrorCode::Internal);
        assert!(error.message.ends_with("behind record 3"), "{}", error.message);
        assert!(job.check(9, true, Box::new(|_| Ok(9))).unwrap().running, "it begins anew");
        let good = over(&job).unwrap();
        assert_eq!((good.running, good.fault), (false, None));
        assert!(good.ended_at.is_some());
    }
}
