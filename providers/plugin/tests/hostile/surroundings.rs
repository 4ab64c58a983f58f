//! What a plugin is started with, and what becomes of what it prints.

use std::io::Write;
use std::sync::{Arc, Mutex};

use provider_plugin::Limits;

use crate::scripts::{OBSERVED, PATIENCE, Script};

/// A log that is kept.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("a log")).into_owned()
    }
}

#[tokio::test]
async fn a_secret_that_it_prints_is_not_logged_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone());
    subscriber.try_init().expect("the only test that listens");
    let body = format!(
        r#"hello; opened; hear; call=$id
        say "\"id\":1,\"method\":\"secret\",\"params\":{{\"call\":$call,\"key\":\"joinKey\"}}"
        IFS= read -r line; secret=${{line#*\"result\":\"}} secret=${{secret%%\"*}}
        note "$secret"
        echo "the key is $secret; $line" >&2
        printf '%s' "$(head -c 9000 /dev/zero | tr '\0' x)$secret" >&2; echo >&2
        printf '\377 %s\n' "$secret" >&2
        printf '\033[31mred\n' >&2
        id=$call; answer "\"$secret\""
        hear; call=$id; answer {OBSERVED}; echo "last words" >&2; exit 1"#
    );
    let script = Script::new(&body);
    let opened = script.open(Limits::default());
    let error = opened.network.observe().await.expect_err("a secret is not what is observed");
    assert!(!format!("{error:?}").contains("secret-1f0a"), "{error:?}");
    assert!(error.what.contains("[redacted]"), "{error:?}");
    opened.network.observe().await.expect("an answer");
    testenv::until("its last words", PATIENCE, || {
        if log.text().contains("last words") { Ok(()) } else { Err(log.text()) }
    });
    script.noted("secret-1f0a");
    let text = log.text();
    assert!(!text.contains("secret-1f0a"), "{text}");
    assert!(text.contains("the key is [redacted]"), "{text}");
    assert_eq!(text.matches("left out a line").count(), 2, "{text}");
    assert!(text.contains("red") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn it_gets_no_argument_and_of_the_environment_only_the_search_path() {
    let script = Script::new(
        r"note environment; tr '\0' '\n' < /proc/$$/environ >> $folder/notes
        note arguments; tr '\0' '\n' < /proc/$$/cmdline >> $folder/notes
        note directory; readlink /proc/$$/cwd >> $folder/notes
        hello; hear",
    );
    let _plugin = script.start(Limits::default()).expect("a plugin");
    let path = format!("PATH={}", std::env::var("PATH").expect("a search path"));
    let executable = script.executable().display().to_string();
    let expected = [
        "environment",
        &path,
        "arguments",
        "/bin/bash",
        &executable,
        "directory",
        "/",
        "initialize",
    ];
    assert_eq!(script.notes()[1..], expected);
}
