//! Why the loop wakes: news of the network, of the kernel, and of a probe.

use std::time::{Duration, Instant};

use futures_util::stream::{BoxStream, SelectAll};
use futures_util::{FutureExt, StreamExt, future, stream};
use linux::monitor::{KernelEvent, Monitor};
use provider_api::{Event, Manifest, Network};
use tokio::sync::mpsc;

use super::watching::Probed;
use crate::host::pod_network;

/// News.
#[derive(Debug)]
pub(super) enum Wake {
    /// The network changed.
    Network,
    /// The network's daemon went away.
    Gone,
    /// The kernel's routing, or a setting, changed.
    Kernel,
    /// The firewall changed.
    Firewall,
    /// A probe ended; none where this machine lets nobody be asked.
    Probed(Probed),
}

/// How long to gather more news after the first: most changes come as several.
const SETTLE: Duration = Duration::from_millis(30);
/// The longest gap between looks while news never end.
const LONGEST: Duration = Duration::from_millis(800);

/// All news in one stream, no faster than they can be looked at.
pub(super) struct Wakes {
    news: SelectAll<BoxStream<'static, Wake>>,
    probed: mpsc::Sender<Probed>,
    heard: Vec<Wake>,
    gap: Duration,
    last: Instant,
}

impl Wakes {
    /// Nothing but what probes find, until more is listened to.
    pub(super) fn new() -> Self {
        let (probed, answers) = mpsc::channel(1);
        let answers = stream::unfold(answers, |mut answers| async {
            answers.recv().await.map(|probed| (Wake::Probed(probed), answers))
        });
        let mut news = SelectAll::new();
        news.push(answers.boxed());
        Wakes { news, probed, heard: Vec::new(), gap: SETTLE, last: Instant::now() }
    }

    /// Where a probe tells what it found.
    pub(super) fn probed(&self) -> mpsc::Sender<Probed> {
        self.probed.clone()
    }

    /// Listens to the network as well, until its daemon goes away.
    pub(super) fn listen(&mut self, network: &dyn Network) {
        let news = network.events().map(|event| match event {
            Event::Changed => Wake::Network,
            Event::Gone => Wake::Gone,
        });
        let ended = stream::once(future::ready(Wake::Gone));
        self.news.push(news.chain(ended).boxed());
    }

    /// Listens to the kernel as well.
    ///
    /// # Errors
    /// Where the kernel does not let us.
    pub(super) fn listen_to_kernel(&mut self, manifest: &Manifest) -> provider_api::Result<()> {
        let tables = &manifest.capabilities.tables;
        let monitor = Monitor::open(tables).map_err(pod_network::kernel)?;
        let news = monitor.filter_map(async |event| match event {
            KernelEvent::Firewall(change) => {
                pod_network::concerns(&change).then_some(Wake::Firewall)
            }
            KernelEvent::Lost => Some(Wake::Firewall),
            KernelEvent::Link { .. }
            | KernelEvent::Address { .. }
            | KernelEvent::Route { .. }
            | KernelEvent::Rule { .. }
            | KernelEvent::Forwarding { .. } => Some(Wake::Kernel),
        });
        self.news.push(news.boxed());
        Ok(())
    }

    /// The next news, all that came together; none where `until` comes first. Loses nothing when
    /// dropped.
    pub(super) async fn next(&mut self, until: Instant) -> Vec<Wake> {
        if self.heard.is_empty() {
            let first = tokio::time::timeout_at(until.into(), self.news.next()).await;
            let Ok(Some(first)) = first else { return Vec::new() };
            self.heard.push(first);
            self.gap = gap(self.gap, self.last.elapsed());
        }
        tokio::time::sleep(self.gap).await;
        while let Some(Some(more)) = self.news.next().now_or_never() {
            self.heard.push(more);
        }
        self.last = Instant::now();
        std::mem::take(&mut self.heard)
    }
}

/// The gap after this one: longer while news follow each other, short after a rest.
fn gap(gap: Duration, rest: Duration) -> Duration {
    if rest > gap * 4 { SETTLE } else { (gap * 2).min(LONGEST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer_while_news_never_end() {
        let mut now = SETTLE;
        for _ in 0..20 {
            now = gap(now, Duration::from_millis(5));
        }
        assert_eq!(now, LONGEST);
        assert_eq!(gap(now, LONGEST * 5), SETTLE);
    }

    #[tokio::test]
    async fn what_a_probe_found_wakes() {
        let mut wakes = Wakes::new();
        wakes.probed().send(None).await.unwrap();
        let news = wakes.next(Instant::now() + Duration::from_secs(5)).await;
        assert!(matches!(news.as_slice(), [Wake::Probed(None)]), "{news:?}");
        assert!(wakes.next(Instant::now()).await.is_empty());
    }
}
