//! Asks for a secret on a terminal, without showing what is typed.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use provider_api::{Error, ErrorKind, Result, Secret};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

use crate::cli::signals::interruption;

/// The longest line that is read, in bytes.
const LONGEST: u64 = 4096;

/// A line from the terminal on standard input.
///
/// # Errors
/// Where there is nobody to type any more.
pub(super) async fn ask(prompt: &str) -> Result<Secret> {
    let input = std::io::stdin();
    let silence = Silence::on(input.as_fd())?;
    say(prompt);
    let answer = tokio::select! {
        line = line() => line,
        () = interruption() => Err(std::io::ErrorKind::Interrupted.into()),
    };
    drop(silence);
    say("\n");
    answer.map_err(|error| unanswered(&error))
}

/// What a terminal hands over in one piece: a whole line. Read in a thread of its own, which
/// nobody waits for where the answer does not come.
async fn line() -> std::io::Result<Secret> {
    let (answer, answered) = oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = BufReader::new(std::io::stdin().take(LONGEST)).read_line(&mut line);
        // From here on the text is wiped when it is dropped.
        let line = Secret::new(line);
        drop(answer.send(read.map(|_| line)));
    });
    answered.await.unwrap_or_else(|_| Err(std::io::ErrorKind::UnexpectedEof.into()))
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Silence<'a> {
    terminal: BorrowedFd<'a>,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn on(terminal: BorrowedFd<'a>) -> Result<Self> {
        let before = tcgetattr(terminal).map_err(|error| unanswered(&error.into()))?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent)
            .map_err(|error| unanswered(&error.into()))?;
        Ok(Silence { terminal, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing either.
        let _ = tcsetattr(self.terminal, OptionalActions::Flush, &self.before);
    }
}

fn say(text: &str) {
    let mut out = anstream::stderr().lock();
    // Without a prompt, the answer still counts.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn unanswered(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Settings, "secret-empty", format!("no secret was typed: {error}"))
        .fix("give it on standard input")
}
