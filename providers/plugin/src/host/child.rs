//! One process of a plugin.

use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::time::timeout;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

use super::bucket::Bucket;
use super::fault::Fault;
use super::link::Subject;
use super::log::Log;
use crate::wire::{Line, News, Question, Unreadable};

/// Every further so many bytes of a line count as one more message.
const PORTION: usize = 4096;

/// How long is read what a dead process printed. Its daemon may hold the pipe for ever.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// A line of a plugin, as far as it can be read.
pub(super) type Said = Result<Line<Question, News>, Unreadable>;

/// One process of a plugin. Killed when dropped.
pub(super) struct Child {
    /// Which of the plugin's processes it is.
    pub(super) number: u64,
    /// When it was started.
    pub(super) started: Instant,
    subject: Arc<Subject>,
    process: tokio::process::Child,
    input: Option<ChildStdin>,
    unsent: VecDeque<u8>,
    output: FramedRead<ChildStdout, LinesCodec>,
    log: Log,
    pace: Bucket,
}

impl Child {
    /// Starts it: with no argument, and of the environment only the search path.
    pub(super) fn start(subject: &Arc<Subject>, number: u64) -> Result<Child, Fault> {
        let mut command = Command::new(&subject.executable);
        command.env_clear().current_dir("/").kill_on_drop(true);
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A Ctrl-C is for the host, which ends its calls first.
        command.process_group(0);
        let mut process = command.spawn().map_err(Fault::NotStarted)?;
        let (output, errors) = (process.stdout.take(), process.stderr.take());
        let (Some(output), Some(errors)) = (output, errors) else {
            return Err(Fault::NotStarted(std::io::ErrorKind::BrokenPipe.into()));
        };
        let started = Instant::now();
        let limits = &subject.limits;
        Ok(Child {
            number,
            started,
            subject: Arc::clone(subject),
            input: process.stdin.take(),
            process,
            unsent: VecDeque::new(),
            output: FramedRead::new(output, LinesCodec::new_with_max_length(limits.line)),
            log: Log::new(errors, Arc::clone(subject)),
            pace: Bucket::new(limits.messages, limits.burst, started),
        })
    }

    /// Puts a line where [`Child::next`] sends it from.
    pub(super) fn send(&mut self, line: &str) {
        self.unsent.extend(line.as_bytes());
        self.unsent.push_back(b'\n');
    }

    /// The next line that the plugin says. Sends what is to be sent, and logs what it prints,
    /// meanwhile. May be dropped and called again.
    ///
    /// # Errors
    /// Where the process is of no use any longer.
    pub(super) async fn next(&mut self) -> Result<Said, Fault> {
        loop {
            tokio::select! {
                biased;
                line = self.output.next() => return self.heard(line).await,
                () = self.log.next() => {}
                () = send(&mut self.input, &mut self.unsent) => {}
                status = self.process.wait() => return Err(Fault::Ended(status.ok())),
            }
        }
    }

    async fn heard(
        &mut self,
        line: Option<Result<String, LinesCodecError>>,
    ) -> Result<Said, Fault> {
        match line {
            Some(Ok(line)) => self.bounded(&line),
            Some(Err(LinesCodecError::MaxLineLengthExceeded)) => {
                Err(Fault::Flood(format!("a line of over {} bytes", self.subject.limits.line)))
            }
            Some(Err(LinesCodecError::Io(error))) => Err(Fault::Nonsense(error.to_string())),
            None => {
                let status = timeout(self.subject.limits.end, self.process.wait()).await;
                Err(Fault::Ended(status.ok().and_then(Result::ok)))
            }
        }
    }

    fn bounded(&mut self, line: &str) -> Result<Said, Fault> {
        let cost = u32::try_from(1 + line.len() / PORTION).unwrap_or(u32::MAX);
        if self.pace.take(cost, Instant::now()) {
            Ok(Line::read(line))
        } else {
            let rate = self.subject.limits.messages;
            Err(Fault::Flood(format!("more than {rate} messages a second")))
        }
    }

    /// Ends it: by the end of its input, or killed if it does not heed that.
    pub(super) async fn end(mut self) {
        self.input = None;
        if timeout(self.subject.limits.end, self.process.wait()).await.is_err() {
            self.kill().await;
        }
    }

    /// Kills it, and logs what it printed last.
    pub(super) async fn kill(mut self) {
        // It may be dead already.
        let _ = self.process.kill().await;
        let _ = timeout(LAST_WORDS, self.log.rest()).await;
    }
}

/// Sends a part of what is to be sent; waits for ever where there is nothing, or nobody reads.
async fn send(input: &mut Option<ChildStdin>, unsent: &mut VecDeque<u8>) {
    match input {
        Some(pipe) if !unsent.is_empty() => {
            if pipe.write_buf(unsent).await.is_err() {
                *input = None;
            }
        }
        Some(_) | None => std::future::pending().await,
    }
}
