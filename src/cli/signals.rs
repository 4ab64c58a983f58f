//! What ends a command from outside.

use tokio::signal::unix::{SignalKind, signal};

/// Comes back at Ctrl-C, and at what `systemctl stop` sends.
pub(super) async fn interruption() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
