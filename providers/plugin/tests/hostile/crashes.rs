//! Plugins that die.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use provider_api::{ErrorKind, Event, Provider};
use provider_plugin::Limits;

use crate::scripts::{OBSERVED, PATIENCE, Script, host, settings};

/// Answers what it is asked, and dies of `leave`.
fn mortal() -> Script {
    Script::new(&format!(
        "hello
         while hear; do
             case $method in
                 leave) kill -9 $$;;
                 observe) answer {OBSERVED};;
                 events) ;;
                 *) answer null;;
             esac
         done"
    ))
}

#[tokio::test]
async fn death_is_told_to_every_call_and_the_next_call_starts_it_again() {
    let script = mortal();
    let opened = script.open(Limits::default());
    let mut events = opened.network.events();
    let error = opened.network.leave(provider_api::Leave::Withdraw).await.expect_err("a death");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "plugin-ended"));
    assert!(error.what.contains("signal: 9"), "{error}");
    assert!(error.fix.is_some());
    let rest = tokio::time::timeout(PATIENCE, events.by_ref().collect::<Vec<_>>()).await;
    assert_eq!(rest.expect("an end"), [Event::Gone]);

    let began = Instant::now();
    opened.network.observe().await.expect("a second life");
    assert!(began.elapsed() < Duration::from_secs(1), "the first start again is at once");
    let notes = script.notes();
    let after = notes.iter().skip_while(|note| *note != "leave").skip(2);
    assert_eq!(after.collect::<Vec<_>>(), ["initialize", "open", "observe"], "{notes:?}");
}

#[tokio::test]
async fn a_daemon_that_holds_its_pipes_does_not_hide_its_death() {
    let script = Script::new("hello; opened; hear; sleep 1000 & note \"daemon $!\"; kill -9 $$");
    let opened = script.open(Limits::default());
    let began = Instant::now();
    let error = opened.network.observe().await.expect_err("a death");
    assert!(error.what.contains("signal: 9"), "{error}");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let notes = script.notes();
    let daemon = notes.iter().find_map(|note| note.strip_prefix("daemon ")).expect("a daemon");
    let killed = std::process::Command::new("kill").arg(daemon).status();
    assert!(killed.expect("kill").success(), "it went on");
}

#[tokio::test]
async fn events_of_a_dead_plugin_end_and_new_ones_start_it_again() {
    let script = mortal();
    let opened = script.open(Limits::default());
    let _ = opened.network.leave(provider_api::Leave::Withdraw).await;
    let mut events = opened.network.events();
    opened.network.observe().await.expect("a second life");
    assert!(futures_util::poll!(events.next()).is_pending(), "nothing happened since");
    assert_eq!(script.pids().len(), 2);
}

#[tokio::test]
async fn one_that_always_dies_is_not_started_in_a_loop() {
    let script = Script::new("hello; opened; hear; exit 3");
    let limits = Limits { backoff: PATIENCE, ..Limits::default() };
    let opened = script.open(limits);
    let mut errors = Vec::new();
    for _ in 0..50 {
        errors.push(opened.network.observe().await.expect_err("a death"));
    }
    // The first one, and the one that follows at once.
    assert_eq!(script.pids().len(), 2, "{:?}", script.notes());
    for error in &errors {
        assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "plugin-ended"));
        assert!(error.what.contains("exit status: 3"), "{error}");
    }
    let last = errors.last().expect("an error");
    assert!(last.what.contains("it is not started again yet"), "{last}");
}

#[tokio::test]
async fn after_the_wait_it_is_started_again() {
    let script = Script::new("hello; opened; hear; exit 3");
    let limits = Limits { backoff: Duration::from_millis(200), ..Limits::default() };
    let opened = script.open(limits);
    let attempts = async {
        while script.pids().len() < 3 {
            opened.network.observe().await.expect_err("a death");
        }
    };
    tokio::time::timeout(PATIENCE, attempts).await.expect("another start");
}

#[tokio::test]
async fn one_that_cannot_be_started_says_why() {
    let script = Script::new("");
    std::fs::remove_file(script.executable()).expect("a file");
    let error = script.start(Limits::default()).err().expect("no file");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "plugin-start"));
    assert!(error.what.contains("No such file"), "{error}");
}

#[tokio::test]
async fn one_that_comes_back_as_another_is_refused() {
    let script = Script::new(
        "[ -e $folder/again ] && manifest=${manifest/in memory/on paper}; touch $folder/again
         hello; opened; hear; exit 3",
    );
    let opened = script.open(Limits::default());
    assert_eq!(opened.network.observe().await.expect_err("a death").code, "plugin-ended");
    let error = opened.network.observe().await.expect_err("a stranger");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unsupported, "plugin-version"));
    assert!(error.what.contains("became another one"), "{error}");
}

#[tokio::test]
async fn a_network_that_the_new_process_does_not_open_says_why_and_others_go_on() {
    let script = Script::new(&format!(
        r#"hello
        while hear; do
            case $method in
                open) [ -e $folder/again ] && [[ $line == *'"network":1,'* ]] &&
                    say "\"id\":$id,\"error\":{{\"code\":-32010,\"message\":\"no more\",\"data\":{{\"code\":\"no\"}}}}" ||
                    answer null;;
                leave) touch $folder/again; exit 3;;
                observe) answer {OBSERVED};;
            esac
        done"#
    ));
    let opened = script.open(Limits::default());
    let other = opened.plugin.open(&settings(), host()).expect("a second network");
    let _ = opened.network.leave(provider_api::Leave::Withdraw).await;
    let error = opened.network.observe().await.expect_err("it was not opened again");
    assert_eq!((error.kind, error.what.as_str()), (ErrorKind::Settings, "no more"));
    other.observe().await.expect("the other network");
}
