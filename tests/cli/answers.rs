//! What the command prints where, and how it ends.

use std::process::Stdio;

use crate::machine::Machine;

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

const ABSENT: &str = "name=tailscale,socket=/nonexistent/tailscaled.sock,joinKey=tskey-auth-k1T9X6";

#[test]
fn exit_codes() {
    let machine = Machine::new();
    for (words, code) in [
        (&["--help"][..], 0),
        (&["--version"], 0),
        (&["completions", "bash"], 0),
        (&["policy", "print", "--tag", "tag:k8s"], 0),
        (&[], 2),
        (&["no-such-command"], 2),
        (&["up"], 2),
        (&["status"], 2),
        (&["policy", "print"], 2),
        (&["man", "/nonexistent"], 2),
        (&["up", "--join-deadline=1s", "--vpn-auth", ABSENT], 7),
    ] {
        assert_eq!(machine.run(words).status.code(), Some(code), "{words:?}");
    }
}

#[test]
fn answers_go_to_standard_output_and_errors_to_standard_error() {
    let machine = Machine::new();
    let policy = machine.run(&["policy", "print", "--tag", "tag:k8s", "--server", "headscale"]);
    assert!(text(&policy.stdout).contains("autoApprovers"), "{policy:?}");
    assert!(policy.stderr.is_empty(), "{policy:?}");

    let status = machine.run(&["status"]);
    assert!(status.stdout.is_empty(), "{status:?}");
    let expected = "error[no-network]: this node has joined no network\n  fix: moorline up ";
    assert!(text(&status.stderr).starts_with(expected), "{status:?}");
}

#[test]
fn an_error_is_json_too_where_json_was_asked_for() {
    let status = Machine::new().run(&["status", "--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert_eq!(answer["error"]["code"], "no-network");
    assert_eq!(answer["error"]["kind"], "settings");
}

#[test]
fn a_dry_run_shows_the_settings_even_without_a_daemon_and_never_the_key() {
    let machine = Machine::new();
    let dry = machine.run(&["up", "--dry-run", "--pod-cidr=10.42.3.0/24", "--vpn-auth", ABSENT]);
    let (shown, told) = (text(&dry.stdout), text(&dry.stderr));
    for line in ["flag --pod-cidr", "environment MOORLINE_STATE_DIR", "(literal, not shown)"] {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(told.contains("error["), "{told}");
    assert!(!format!("{shown}{told}").contains("k1T9X6"), "{shown}{told}");
    assert!(!machine.state().exists(), "a dry run makes nothing");
}

#[test]
fn a_key_among_the_flags_is_not_shown_by_a_dry_run() {
    let vpn_auth = "name=tailscale,extraArgs=--auth-key=tskey-auth-k1T9X6";
    let dry = Machine::new().run(&["up", "--dry-run", "--vpn-auth", vpn_auth]);
    let shown = format!("{}{}", text(&dry.stdout), text(&dry.stderr));
    assert_eq!(dry.status.code(), Some(2), "{shown}");
    assert!(!shown.contains("k1T9X6"), "{shown}");
}

#[test]
fn a_reader_who_went_away_ends_nothing_badly() {
    for words in [&["completions", "bash"][..], &["--help"], &["policy", "print", "--tag=tag:a"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = Machine::new().command(words);
        let output = command.stdout(writer).stderr(Stdio::piped()).output().expect("starts");
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{words:?}: {output:?}");
    }
}

#[test]
fn without_a_terminal_nothing_is_drawn() {
    let output = Machine::new().run(&["up", "--join-deadline=1s", "--vpn-auth", ABSENT]);
    for stream in [&output.stdout, &output.stderr] {
        assert!(!stream.contains(&0x1b) && !stream.contains(&b'\r'), "{output:?}");
    }
}

#[test]
fn a_manual_page_for_every_command() {
    let machine = Machine::new();
    let folder = machine.folder();
    assert!(machine.run(&["man", folder.to_str().expect("text")]).status.success());
    for page in
        ["moorline", "moorline-up", "moorline-status", "moorline-leave", "moorline-policy-print"]
    {
        assert!(folder.join(format!("{page}.1")).exists(), "{page}");
    }
    assert!(!folder.join("moorline-completions.1").exists());
}

#[test]
fn the_guides_show_the_policy_that_is_printed() {
    for (server, guide) in [
        ("headscale", include_str!("../../docs/guides/headscale.md")),
        ("tailscale", include_str!("../../docs/guides/tailscale.md")),
    ] {
        let cidrs = "10.42.0.0/16,2001:cafe:42::/56";
        let words =
            ["policy", "print", "--tag=tag:k8s", "--server", server, "--cluster-cidr", cidrs];
        let policy = Machine::new().run(&words);
        assert!(guide.contains(&format!("```hujson\n{}```", text(&policy.stdout))), "{server}");
    }
}
