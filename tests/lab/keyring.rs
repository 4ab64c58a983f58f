//! Keys in the kernel's keyring, between shells and services that share no session.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use testenv::{Host, Run, until};

use crate::common::lab;

const MOORLINE: &str = env!("CARGO_BIN_EXE_moorline");

/// moorline with these words, in a session keyring of its own, as a login and a service each
/// have one; `input` is what its standard input reads.
fn moorline(host: &Host, words: &str, input: &str) -> Run {
    let state = host.state_dir().display().to_string();
    let (run, config) = (host.folder().join("run/moorline"), host.config_file());
    host.shell(&format!(
        "touch {0}; MOORLINE_STATE_DIR={state} MOORLINE_RUN_DIR={1} MOORLINE_CONFIG={0} \
         keyctl session - {MOORLINE} {words} <{input}",
        config.display(),
        run.display(),
    ))
}

/// `moorline secret set NAME`, of what is in a file.
pub(crate) fn set(host: &Host, name: &str, file: &str) {
    let _ = moorline(host, &format!("secret set {name}"), file).succeeded();
}

/// `moorline secret remove NAME`
pub(crate) fn remove(host: &Host, name: &str) {
    let _ = moorline(host, &format!("secret remove {name}"), "/dev/null").succeeded();
}

#[test]
fn a_key_that_a_shell_sets_is_found_by_a_service() {
    let Some(lab) = lab("keyring") else { return };
    let headscale = lab.headscale().start();
    let key = headscale.user("k8s").one_time_key();
    let host = lab.host("a").start();
    let _tailscaled = host.tailscaled();
    let auth = format!("{},joinKey=keyring:join-key", host.vpn_auth_without_key(&headscale));
    let up = || moorline(&host, &format!("up --json --wait joined --vpn-auth={auth}"), "/dev/null");
    assert!(up().ended_with(2).says("moorline secret set join-key"), "nothing is there yet");

    let file = host.secret_file("kept", key.secret()).display().to_string();
    set(&host, "join-key", &file);
    let listed = moorline(&host, "secret list --json", "/dev/null").succeeded();
    assert_eq!(listed.json()["secrets"][0]["name"], "join-key");
    assert!(!listed.says(key.secret()));
    let _ = up().succeeded();
    assert!(headscale.node("a").online);

    remove(&host, "join-key");
    assert_eq!(moorline(&host, "secret list --json", "/dev/null").json()["secrets"], json!([]));
    let _ = moorline(&host, "secret remove join-key", "/dev/null").ended_with(2);
}

#[test]
fn a_purge_takes_the_keys_along() {
    let Some(lab) = lab("keyring purge") else { return };
    let host = lab.host("a").start();
    let file = host.secret_file("kept", "key-of-nobody-1").display().to_string();
    set(&host, "join-key", &file);
    let purged = moorline(&host, "uninstall --purge --json", "/dev/null").succeeded();
    assert!(purged.says("keyring:join-key") && !purged.says("key-of-nobody"), "{purged:?}");
    let left = moorline(&host, "secret list --json", "/dev/null").json();
    assert_eq!(left["secrets"], json!([]));
}

#[test]
fn what_is_typed_in_the_wrong_place_is_not_shown() {
    let Some(lab) = lab("typed secret") else { return };
    let host = lab.host("a").start();
    for (words, code) in [
        ("secret set join-key tskey-1", "secret-typed"),
        ("secret set 'tskey 1'", "secret-ref"),
        ("secret remove 'tskey 1'", "secret-ref"),
    ] {
        let run = moorline(&host, words, "/dev/null").ended_with(2);
        assert!(run.says(&format!("error[{code}]")) && !run.says("tskey"), "{run:?}");
    }
    let run = moorline(&host, "secret set join-key", "/dev/null").ended_with(2);
    assert!(run.says("error[secret-empty]: standard input is empty"), "{run:?}");
}

/// Where the secret is typed into a terminal, the terminal shows nothing of it.
#[test]
fn what_is_typed_at_the_prompt_is_not_shown() {
    let Some(lab) = lab("prompt") else { return };
    let host = lab.host("a").start();
    let log = host.folder().join("terminal");
    let state = host.state_dir().display().to_string();
    let mut script = Command::new("script");
    script.args(["-qefc", &format!("{MOORLINE} --state-dir {state} secret set typed")]).arg(&log);
    let mut terminal = script.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("script");
    let shown = || std::fs::read_to_string(&log).unwrap_or_default();
    until("a prompt", Duration::from_secs(20), || {
        if shown().contains("keyring:typed: ") { Ok(()) } else { Err(shown()) }
    });
    let mut keys = terminal.stdin.take().expect("a keyboard");
    keys.write_all(b"hunter2-hunter2\n").expect("typed");
    let status = terminal.wait().expect("script ends");
    assert!(status.success(), "{status}: {}", shown());
    assert!(!shown().contains("hunter2"), "{}", shown());

    let description = format!("moorline:{state}:typed");
    let read = format!("keyctl pipe $(keyctl search @u user '{description}')");
    let kept = host.shell(&format!("keyctl session - sh -c \"keyctl link @u @s; {read}\""));
    assert_eq!(kept.succeeded().stdout, "hunter2-hunter2");
    remove(&host, "typed");
}
