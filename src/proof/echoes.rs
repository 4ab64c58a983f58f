//! Echoes that insist, and the search for the largest that crosses.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use linux::icmp::{self, Echo, Pinger};

/// How many sizes are tried at once: three rounds find one among four thousand.
const AT_ONCE: u16 = 15;

/// How long to insist.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// From one echo to the next: a first packet may be lost while a path is set up.
    pub(super) every: Duration,
    /// From the first echo to giving up.
    pub(super) deadline: Duration,
}

/// For a way that is known to work, or at least to be short.
pub(super) const BRISK: Patience =
    Patience { every: Duration::from_millis(400), deadline: Duration::from_millis(1_600) };

/// Sends the same echo again and again, until the first word from anybody.
pub(super) async fn insist(pinger: &Pinger, echo: &Echo, patience: Patience) -> icmp::Outcome {
    let mut answers = FuturesUnordered::new();
    let mut wait = Duration::ZERO;
    while wait < patience.deadline {
        answers.push(delayed(pinger, echo.clone().deadline(patience.deadline - wait), wait));
        wait += patience.every;
    }
    while let Some(outcome) = answers.next().await {
        if outcome != icmp::Outcome::Silence {
            return outcome;
        }
    }
    icmp::Outcome::Silence
}

async fn delayed(pinger: &Pinger, echo: Echo, wait: Duration) -> icmp::Outcome {
    tokio::time::sleep(wait).await;
    pinger.echo(echo).await
}

/// The largest echo that is answered, from `passes`, which is, to below `fails`, which is
/// not. Each round asks for several sizes at once.
pub(super) async fn largest(
    pinger: &Pinger,
    (source, target): (IpAddr, IpAddr),
    (mut passes, mut fails): (u16, u16),
    patience: Patience,
) -> u16 {
    while fails - passes > 1 {
        let step = (fails - passes).div_ceil(AT_ONCE + 1);
        let sizes = (1..=AT_ONCE).map(|nth| passes + nth * step).take_while(|size| *size < fails);
        let asked = sizes.map(async |size| {
            let echo = Echo::new(source, target, size);
            (size, insist(pinger, &echo, patience).await.is_reply())
        });
        let mut answers: Vec<_> = asked.collect::<FuturesUnordered<_>>().collect().await;
        answers.sort_unstable();
        let failed = answers.iter().find(|(_, answered)| !answered).map(|(size, _)| *size);
        fails = failed.unwrap_or(fails);
        let passed = answers.iter().take_while(|(_, answered)| *answered).last();
        passes = passed.map_or(passes, |(size, _)| *size);
    }
    passes
}
