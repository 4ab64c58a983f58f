//! Plugins that say too much.

use provider_api::ErrorKind;
use provider_plugin::Limits;

use crate::scripts::{OBSERVED, Script, runs};

/// Makes a call of a plugin that answers it like this.
async fn broken(answer: &str) -> String {
    let script = Script::new(&format!("hello; opened; hear; {answer}"));
    let opened = script.open(Limits::default());
    let error = opened.network.observe().await.expect_err("a flood");
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Unavailable, "plugin-protocol"));
    assert!(!runs(script.pids()[0]));
    error.what
}

#[tokio::test]
async fn a_line_without_end_is_not_read_to_its_end() {
    let said = broken("tr '\\0' x < /dev/zero").await;
    assert!(said.contains("a line of over 4194304 bytes"), "{said}");
}

#[tokio::test]
async fn messages_without_end_are_not_read_to_their_end() {
    for message in [
        r#"{"jsonrpc":"2.0","method":"event","params":{"call":3,"event":"changed"}}"#,
        r#"{"jsonrpc":"2.0","id":1,"method":"ledger","params":{"call":99}}"#,
    ] {
        let said = broken(&format!("yes '{message}'")).await;
        assert!(said.contains("more than 500 messages a second"), "{said}");
    }
}

#[tokio::test]
async fn large_messages_count_for_more() {
    let step = r#"{"id":"a","text":"%0400000d","state":"running"}"#;
    let message =
        format!(r#"{{"jsonrpc":"2.0","method":"progress","params":{{"call":99,"step":{step}}}}}"#);
    let said = broken(&format!("for i in {{1..60}}; do printf '{message}\\n' 0; done")).await;
    assert!(said.contains("more than 500 messages a second"), "{said}");
}

#[tokio::test]
async fn more_steps_than_a_caller_follows_are_a_flood() {
    let step = r#"{"id":"a","text":"a","state":"running"}"#;
    let message = format!(
        r#"{{"jsonrpc":"2.0","method":"progress","params":{{"call":'$id',"step":{step}}}}}"#
    );
    let script = Script::new(&format!("hello; opened; hear; yes '{message}' | head -n 1000; hear"));
    let opened = script.open(Limits::default());
    let mut observe = opened.network.observe();
    // Begins the call, and then does not listen.
    assert!(futures_util::poll!(&mut observe).is_pending());
    let pid = script.pids()[0];
    testenv::until("the end of the plugin", crate::scripts::PATIENCE, || {
        if runs(pid) { Err("it runs") } else { Ok(()) }
    });
    assert_eq!(observe.await.expect_err("a flood").kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn ticks_that_nobody_took_are_one_tick() {
    let message = r#"{"jsonrpc":"2.0","method":"event","params":{"call":'$id',"event":"changed"}}"#;
    let script = Script::new(&format!(
        "hello; opened; hear; yes '{message}' | head -n 1000; answer null; hear; answer {OBSERVED}; hear"
    ));
    let opened = script.open(Limits::default());
    let events = opened.network.events();
    opened.network.observe().await.expect("an answer after all ticks");
    let events: Vec<_> = futures_util::StreamExt::collect(events).await;
    assert!(events.len() <= 3, "{} events", events.len());
    assert_eq!(events.last(), Some(&provider_api::Event::Gone));
}

#[tokio::test]
async fn what_is_printed_without_end_waits_and_the_calls_do_not() {
    let script = Script::new(&format!(
        "yes 'a long story' >&2 &
         hello; opened; while hear; do answer {OBSERVED}; done"
    ));
    let opened = script.open(Limits::default());
    for _ in 0..10 {
        opened.network.observe().await.expect("an answer");
    }
}
