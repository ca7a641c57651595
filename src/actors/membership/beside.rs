//! Work that a loop begins and does not wait for, because it is late for something else meanwhile.

use std::future::Future;

use tokio::task::JoinHandle;

use crate::actors::tasks::Tasks;

/// One piece of work at a time, beside the loop that begins it.
#[derive(Debug, Default)]
pub(super) struct Beside {
    work: Option<JoinHandle<()>>,
}

impl Beside {
    /// Begins `work`, unless what was begun before is still going on; whether it did.
    pub(super) fn begin<Fut>(&mut self, tasks: &Tasks, work: impl FnOnce() -> Fut) -> bool
    where
        Fut: Future<Output = ()> + Send + 'static,
    {
        if self.work.as_ref().is_some_and(|work| !work.is_finished()) {
            return false;
        }
        self.work = Some(tasks.spawn_unlisted(work()));
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn slow_work_holds_nobody_up_and_is_never_done_twice_at_a_time() {
        let (tasks, mut beside) = (Tasks::new(), Beside::default());
        let (begun, may_end) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let work = || {
            let (begun, may_end) = (Arc::clone(&begun), Arc::clone(&may_end));
            async move {
                begun.add_permits(1);
                may_end.acquire().await.unwrap().forget();
            }
        };
        assert!(beside.begin(&tasks, work));
        begun.acquire().await.unwrap().forget();
        assert!(!beside.begin(&tasks, work), "the first one has not ended");
        may_end.add_permits(1);
        beside.work.take().unwrap().await.unwrap();
        assert_eq!(begun.available_permits(), 0);
        assert!(beside.begin(&tasks, work));
        begun.acquire().await.unwrap().forget();
        may_end.add_permits(1);
    }
}
