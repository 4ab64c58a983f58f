//! The one place that starts tasks: each has a name, and runs once at a time.

use std::collections::BTreeMap;
use std::future::Future;

use tokio::task::{AbortHandle, JoinSet};
use tracing::Instrument;

/// Tasks by name. All end with it.
#[derive(Debug, Default)]
pub struct Tasks {
    running: BTreeMap<&'static str, AbortHandle>,
    set: JoinSet<()>,
}

impl Tasks {
    /// Starts `work` under this name; says no where one of this name still runs.
    pub fn start(
        &mut self,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> bool {
        self.reap();
        if self.is_running(name) {
            return false;
        }
        let handle = self.set.spawn(work.instrument(tracing::debug_span!("task", name)));
        self.running.insert(name, handle);
        true
    }

    /// Ends the task of this name, where one runs.
    pub fn stop(&mut self, name: &'static str) {
        if let Some(handle) = self.running.remove(name) {
            handle.abort();
        }
    }

    /// Whether a task of this name runs.
    pub fn is_running(&self, name: &'static str) -> bool {
        self.running.get(name).is_some_and(|handle| !handle.is_finished())
    }

    /// Takes note of those that ended: a panic is logged, and takes nobody else along.
    fn reap(&mut self) {
        while let Some(ended) = self.set.try_join_next() {
            match ended {
                Err(error) if error.is_panic() => tracing::error!(%error, "a task broke"),
                Ok(()) | Err(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    #[tokio::test]
    async fn a_name_runs_once_at_a_time() {
        let mut tasks = Tasks::default();
        assert!(tasks.start("probe", pending()));
        assert!(!tasks.start("probe", pending()));
        assert!(tasks.start("metrics", pending()));
        tasks.stop("probe");
        assert!(tasks.start("probe", async {}));
    }
}
