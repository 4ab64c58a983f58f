//! Plugins that do not answer.

use std::time::{Duration, Instant};

use provider_api::{ErrorKind, Repair};
use provider_plugin::Limits;

use crate::scripts::{OBSERVED, PATIENCE, Script, runs};

const SHORT: Duration = Duration::from_millis(300);

#[test]
fn one_that_never_introduces_itself_is_killed() {
    let script = Script::new("exec sleep 1000");
    let began = Instant::now();
    let limits = Limits { startup: Duration::from_secs(1), ..Limits::default() };
    let error = script.start(limits).err().expect("no introduction");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "plugin-hung"));
    assert!(error.what.contains("`initialize`") && error.what.contains("1s"), "{error}");
    assert!(began.elapsed() < PATIENCE);
    assert!(!runs(script.pids()[0]));
}

#[tokio::test]
async fn a_call_that_is_never_answered_ends_at_its_deadline_and_the_plugin_with_it() {
    let body = format!(
        "hello; opened
         while hear; do
             case $method in
                 observe) [ -e $folder/again ] && answer {OBSERVED} || touch $folder/again;;
                 open) answer null;;
             esac
         done"
    );
    let script = Script::new(&body);
    let limits = Limits { look: SHORT, end: SHORT, ..Limits::default() };
    let opened = script.open(limits);
    let error = opened.network.observe().await.expect_err("no answer");
    assert_eq!(error.code, "plugin-hung");
    assert!(error.what.contains("`observe`"), "{error}");
    assert!(error.fix.is_some());

    // The next call waits until the hung one is over, and finds a new process.
    opened.network.observe().await.expect("an answer of the second process");
    let [first, second] = script.pids()[..] else { panic!("{:?}", script.notes()) };
    assert!(!runs(first) && runs(second));
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_and_the_next_one_waits_for_its_end() {
    let script = Script::new(
        r#"hello; opened
        hear; call=$id
        hear
        read -r -t 0.3 early && note "too early"
        say "\"id\":$call,\"error\":{\"code\":-32800,\"message\":\"cancelled\"}"
        note answered
        hear; answer null; hear"#,
    );
    let opened = script.open(Limits { end: PATIENCE, ..Limits::default() });
    let repair = opened.network.repair(Repair::Firewall);
    assert!(tokio::time::timeout(SHORT, repair).await.is_err(), "nobody answers");
    let again = tokio::time::timeout(PATIENCE, opened.network.repair(Repair::Refresh)).await;
    again.expect("in time").expect("an answer");
    let notes = script.notes();
    assert_eq!(notes[3..], ["repair", "cancel", "answered", "repair"], "{notes:?}");
}

#[tokio::test]
async fn one_that_does_not_end_a_cancelled_call_is_killed() {
    let script = Script::new("hello; opened; hear; exec sleep 1000");
    let opened = script.open(Limits { end: SHORT, ..Limits::default() });
    let mut events = opened.network.events();
    let repair = opened.network.repair(Repair::Firewall);
    assert!(tokio::time::timeout(SHORT, repair).await.is_err(), "nobody answers");
    let gone = tokio::time::timeout(PATIENCE, futures_util::StreamExt::next(&mut events)).await;
    assert_eq!(gone.expect("in time"), Some(provider_api::Event::Gone));
    assert!(!runs(script.pids()[0]));
}

#[test]
fn one_that_ignores_the_end_of_its_input_is_killed_and_its_daemon_is_not() {
    let script = Script::new(
        "hello
         setsid sleep 1000 </dev/null >/dev/null 2>&1 &
         note \"daemon $!\"
         exec sleep 1000",
    );
    let plugin = script.start(Limits::default()).expect("a plugin");
    let notes = testenv::until("the daemon", PATIENCE, || {
        let notes = script.notes();
        if notes.len() == 3 { Ok(notes) } else { Err(notes) }
    });
    let daemon: u32 = notes[2].trim_start_matches("daemon ").parse().expect("a process id");
    drop(plugin);
    assert!(!runs(script.pids()[0]));
    assert!(runs(daemon), "a VPN goes on without its plugin");
    let killed = std::process::Command::new("kill").arg(daemon.to_string()).status();
    assert!(killed.expect("kill").success());
}

#[tokio::test]
async fn nobody_waits_for_the_start_of_one_that_nobody_needs() {
    let script = Script::new(
        "[ -e $folder/again ] && exec sleep 1000; touch $folder/again
         hello; opened; hear; exit 3",
    );
    let opened = script.open(Limits { startup: Duration::from_secs(1000), ..Limits::default() });
    opened.network.observe().await.expect_err("a death");
    let observe = opened.network.observe();
    assert!(tokio::time::timeout(SHORT, observe).await.is_err(), "it hangs at its second start");
    let began = Instant::now();
    drop(opened);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let pid = *script.pids().last().expect("a start");
    testenv::until("its end", PATIENCE, || if runs(pid) { Err("it runs") } else { Ok(()) });
}
