//! How a command gets on: the steps, on standard error.
//!
//! On a terminal the step that is under way is redrawn in place; in a pipe there is one line
//! for each step that is done, and one for each that waits for somebody.

mod steps;

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use provider_api::Step;

use crate::host::Reporter;
use steps::Steps;

/// How often the line of the current step is drawn again.
const REDRAW: Duration = Duration::from_millis(100);

type Told = (Step, Instant);

/// Shows steps from a thread of its own, so that time goes on while a step takes long.
pub(super) struct Progress {
    drawer: Mutex<Option<Drawer>>,
}

struct Drawer {
    steps: Sender<Told>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// Starts showing. Lines of a log on the same terminal leave no room for redrawing.
    pub(super) fn start(verbose: u8) -> Self {
        let (steps, told) = mpsc::channel();
        let redraws = std::io::stderr().is_terminal() && verbose == 0;
        let thread = std::thread::spawn(move || match redraws {
            true => draw(&told),
            false => print(&told),
        });
        Progress { drawer: Mutex::new(Some(Drawer { steps, thread })) }
    }

    /// Ends showing; when this returns, every line is out.
    pub(super) fn finish(&self) {
        let drawer = self.drawer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Drawer { steps, thread }) = drawer {
            drop(steps);
            // A drawer that failed has nothing more to show.
            let _ = thread.join();
        }
    }
}

impl Reporter for Progress {
    fn step(&self, step: &Step) {
        let drawer = self.drawer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drawer) = drawer.as_ref() {
            // A drawer that failed has nothing more to show.
            let _ = drawer.steps.send((step.clone(), Instant::now()));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn print(told: &Receiver<Told>) {
    let mut steps = Steps::default();
    for (step, now) in told {
        if let Some(line) = steps.take(&step, now) {
            write(&format!("{line}\n"));
        }
    }
}

fn draw(told: &Receiver<Told>) {
    let mut steps = Steps::default();
    loop {
        match told.recv_timeout(REDRAW) {
            Ok((step, now)) => {
                if let Some(line) = steps.take(&step, now) {
                    write(&format!("{CLEAR}{line}\n"));
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return write(CLEAR),
        }
        let live = steps.live(Instant::now()).unwrap_or_default();
        write(&format!("{CLEAR}{}", shortened(&live, columns())));
    }
}

/// To the first column, and erase to the end of the line.
const CLEAR: &str = "\r\x1b[K";

/// Progress is a courtesy: where it cannot be written, the command goes on.
fn write(text: &str) {
    let mut err = anstream::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// A line that wraps could not be erased.
fn shortened(line: &str, columns: usize) -> String {
    let room = columns.saturating_sub(1);
    if line.chars().count() <= room {
        return line.to_owned();
    }
    line.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_never_fills_the_last_column() {
        assert_eq!(shortened("waiting", 80), "waiting");
        assert_eq!(shortened("waiting", 8), "waiting");
        assert_eq!(shortened("wäiting", 7), "wäiti…");
        assert_eq!(shortened("waiting", 2), "…");
    }
}
