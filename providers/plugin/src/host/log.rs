//! What a plugin prints to standard error.

use std::sync::Arc;
use std::time::Instant;

use futures_util::StreamExt;
use tokio::process::ChildStderr;
use tokio::time::sleep;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

use super::bucket::Bucket;
use super::link::Subject;

/// The longest line that is logged, in bytes. A longer one is left out whole, lest a part of a
/// secret be all that is left of it.
const LONGEST: usize = 8 << 10;
/// Lines a second, on the long run: the plugin waits while it prints more.
const RATE: u32 = 100;
/// As many lines at once.
const BURST: u32 = 1000;

/// A plugin's standard error, logged at debug level without the secrets that it was handed.
pub(super) struct Log {
    subject: Arc<Subject>,
    lines: Option<FramedRead<ChildStderr, LinesCodec>>,
    pace: Bucket,
    /// A line is out of turn: the next one waits.
    ahead: bool,
    /// The codec ends once after an error, and then goes on.
    stumbled: bool,
}

impl Log {
    pub(super) fn new(errors: ChildStderr, subject: Arc<Subject>) -> Log {
        let lines = FramedRead::new(errors, LinesCodec::new_with_max_length(LONGEST));
        let pace = Bucket::new(RATE, BURST, Instant::now());
        Log { subject, lines: Some(lines), pace, ahead: false, stumbled: false }
    }

    /// Logs the next line; waits for ever after the last one. May be dropped and called again.
    pub(super) async fn next(&mut self) {
        if self.ahead {
            sleep(self.pace.pace()).await;
            self.ahead = false;
        }
        let Some(lines) = &mut self.lines else { return std::future::pending().await };
        match lines.next().await {
            Some(line) => self.take(line),
            None if self.stumbled => self.stumbled = false,
            None => self.lines = None,
        }
    }

    /// Logs all lines to the end, which comes when every process that holds it has closed it.
    pub(super) async fn rest(&mut self) {
        while self.lines.is_some() {
            self.next().await;
        }
    }

    fn take(&mut self, line: Result<String, LinesCodecError>) {
        self.ahead = !self.pace.take(1, Instant::now());
        let plugin = &self.subject.name;
        match line {
            Ok(line) => {
                let line = self.subject.redactor.clean(&line);
                tracing::debug!(%plugin, "{}", line.escape_debug());
            }
            Err(_) => {
                self.stumbled = true;
                tracing::debug!(%plugin, "left out a line that is too long, or no text");
            }
        }
    }
}
