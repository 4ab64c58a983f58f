//! Runs commands on a host and times them. The bench starts itself there with this word, so
//! that starting a process in the lab is no part of what is timed.

use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use serde::{Deserialize, Serialize};

/// The first word of a command line that is for this module.
pub(crate) const WORD: &str = "stopwatch";

/// What to run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Course {
    /// One after the other, each a program with its arguments.
    pub(crate) commands: Vec<Vec<String>>,
    /// Whom to ping meanwhile, until the first answer.
    pub(crate) ping: Option<IpAddr>,
}

/// How it went.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Times {
    /// How long each command took.
    pub(crate) commands: Vec<Duration>,
    /// From the start to the first answer.
    pub(crate) first_answer: Option<Duration>,
    /// The most memory that any of the commands held.
    pub(crate) peak_rss_bytes: u64,
}

/// Runs a course, given as JSON, and prints the times as JSON.
pub(crate) fn run(course: &str) -> ExitCode {
    let course: Course = serde_json::from_str(course).expect("a course of the bench");
    let started = Instant::now();
    let answer = course.ping.map(|to| thread::spawn(move || first_answer(to, started)));
    let commands = course.commands.iter().map(|command| timed(command)).collect();
    let times = Times {
        commands,
        peak_rss_bytes: peak_rss_bytes(),
        first_answer: answer.map(|answer| answer.join().expect("a pinging thread")),
    };
    let text = serde_json::to_string(&times).expect("times are JSON");
    writeln!(anstream::stdout(), "{text}").expect("the bench listens");
    ExitCode::SUCCESS
}

fn timed(command: &[String]) -> Duration {
    let (program, args) = command.split_first().expect("a program");
    let started = Instant::now();
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let took = started.elapsed();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&said));
    took
}

/// Of all children that have ended (`getrusage(2)`: in KiB).
fn peak_rss_bytes() -> u64 {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage of the children");
    u64::try_from(usage.max_rss()).expect("a size") * 1024
}

/// Pings 100 times a second.
fn first_answer(to: IpAddr, started: Instant) -> Duration {
    let mut ping = Command::new("ping")
        .args(["-n", "-i", "0.01", &to.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("ping");
    let output = BufReader::new(ping.stdout.take().expect("ping's output"));
    let answered = output.lines().map_while(Result::ok).any(|line| line.contains(" bytes from "));
    let took = started.elapsed();
    ping.kill().and_then(|()| ping.wait()).expect("ping ends");
    assert!(answered, "{to} never answered");
    took
}
