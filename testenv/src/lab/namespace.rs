//! One network namespace, and the thread that lives in it.

use std::io::Write;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use nix::sched::{CloneFlags, setns};

use super::lock;

type Job = Box<dyn FnOnce() + Send>;

/// A named network namespace. A thread lives in it: what that thread starts, processes and
/// threads, lives there too, and its processes die with it.
pub(crate) struct Namespace {
    name: String,
    worker: Mutex<Option<(Sender<Job>, JoinHandle<()>)>>,
}

impl Namespace {
    /// Makes the namespace, with its loopback up.
    pub(crate) fn new(name: &str) -> Arc<Namespace> {
        run("ip", &["netns", "add", name], "");
        let (jobs, inbox) = channel::<Job>();
        let pin = name.to_owned();
        let worker = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                enter(&pin);
                inbox.iter().for_each(|job| job());
            })
            .expect("a thread");
        let namespace =
            Namespace { name: name.to_owned(), worker: Mutex::new(Some((jobs, worker))) };
        namespace.ip("link set dev lo up");
        // Addresses are usable at once: nobody else can have them here.
        namespace.sysctls(&[
            ("net/ipv6/conf/all/accept_dad", "0"),
            ("net/ipv6/conf/default/accept_dad", "0"),
            ("net/ipv4/conf/all/rp_filter", "0"),
            ("net/ipv4/conf/default/rp_filter", "0"),
        ]);
        Arc::new(namespace)
    }

    /// Runs a job inside and returns its answer. For short jobs: they run one at a time.
    pub(crate) fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (answer, outbox) = channel();
        self.send(Box::new(move || {
            // Nobody waits for the answer any more where the sender is gone.
            let _ = answer.send(catch_unwind(AssertUnwindSafe(job)));
        }));
        match outbox.recv().expect("the namespace's thread") {
            Ok(answer) => answer,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Moves the calling thread inside, for good.
    pub(crate) fn enter(&self) {
        enter(&self.name);
    }

    /// A thread of its own inside, for long jobs.
    pub(crate) fn thread<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> JoinHandle<T> {
        self.run(|| std::thread::spawn(job))
    }

    /// Starts a process inside.
    pub(crate) fn spawn(&self, mut command: Command) -> std::io::Result<Child> {
        self.run(move || command.spawn())
    }

    /// Runs a command inside to its end, with this input.
    pub(crate) fn output(&self, program: &str, args: &[&str], input: &str) -> Output {
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.spawn(command).unwrap_or_else(|error| panic!("{program}: {error}"));
        finish(child, input)
    }

    /// `ip` with these words, inside.
    pub(crate) fn ip(&self, words: &str) -> String {
        let mut args = vec!["-n", &self.name];
        args.extend(words.split_whitespace());
        run("ip", &args, "")
    }

    /// A cable from the new interface `leg` here to the new interface `far_leg` of another
    /// namespace.
    pub(crate) fn cable(&self, leg: &str, far: &Namespace, far_leg: &str) {
        let far_end = format!("peer name {far_leg} netns {}", far.name);
        self.ip(&format!("link add name {leg} type veth {far_end}"));
    }

    /// `nft` with this script, inside.
    pub(crate) fn nft(&self, script: &str) -> String {
        expect("nft", script, self.output("nft", &["-f", "-"], script))
    }

    /// Writes sysctls, by their path below `/proc/sys`.
    pub(crate) fn sysctls(&self, values: &[(&str, &str)]) {
        let values: Vec<(String, String)> = values
            .iter()
            .map(|(key, value)| (format!("/proc/sys/{key}"), (*value).into()))
            .collect();
        self.run(move || {
            for (path, value) in values {
                std::fs::write(&path, value).unwrap_or_else(|error| panic!("{path}: {error}"));
            }
        });
    }

    /// Ends the thread, and with it every process that was started inside.
    pub(crate) fn close(&self) {
        if let Some((jobs, worker)) = lock(&self.worker).take() {
            drop(jobs);
            let _ = worker.join();
        }
    }

    fn send(&self, job: Job) {
        let worker = lock(&self.worker);
        let (jobs, _) = worker.as_ref().unwrap_or_else(|| panic!("{} is closed", self.name));
        jobs.send(job).expect("the namespace's thread");
    }
}

fn enter(name: &str) {
    let pin = std::fs::File::open(format!("/run/netns/{name}")).expect("the namespace's pin");
    setns(pin.as_fd(), CloneFlags::CLONE_NEWNET).expect("entering a namespace");
}

/// Runs a command here to its end, and returns what it printed.
pub(crate) fn run(program: &str, args: &[&str], input: &str) -> String {
    let child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    expect(program, &args.join(" "), finish(child, input))
}

fn finish(mut child: Child, input: &str) -> Output {
    if let Some(mut stdin) = child.stdin.take() {
        // A command that does not read its input may have closed it.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output().expect("waiting for a child")
}

/// What a command printed, or a panic that shows what went wrong.
fn expect(program: &str, what: &str, output: Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program} {what}\n{}", text(&output.stderr));
    text(&output.stdout)
}
