//! What the developers of Moorline want to know: on standard error, by `MOORLINE_LOG` or `-v`.

use tracing_subscriber::EnvFilter;

use super::variables;

/// Starts logging. `MOORLINE_LOG` has the syntax of [`EnvFilter`], and wins over `-v`.
pub(super) fn start(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let asked = std::env::var(variables::LOG).ok().filter(|filter| !filter.is_empty());
    let filter = EnvFilter::new(asked.as_deref().unwrap_or(level));
    // A test may have started it before.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(anstream::stderr)
        .with_target(true)
        .try_init();
}
