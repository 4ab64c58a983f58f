//! What is wrong with `--vpn-auth`, the config file or a variable is said before the daemon is
//! asked anything, and without repeating a secret. Needs no lab.

use std::process::{Command, Stdio};

use crate::machine::{Machine, SECRET, assert_says_no_secret};
use crate::refusal::{Refusal, SOON};

#[test]
fn a_vpn_auth_that_is_no_list_of_pairs_is_refused() {
    Machine::new().refuses_vpn_auth(&[
        ("tailscale", "vpn-auth-bare-word", "`tailscale` is a bare word"),
        ("SECRET", "vpn-auth-bare-word", "piece 1 (32 characters, not shown"),
        ("name=tailscale,joinKey", "vpn-auth-bare-word", "`joinKey` is a bare word"),
        ("name=tailscale,SECRET", "vpn-auth-bare-word", "piece 2 (32 characters, not shown"),
        ("name=tailscale,,joinKey=SECRET", "vpn-auth-bare-word", "piece 2 is empty"),
        ("name=tailscale,joinKey=SECRET,", "vpn-auth-bare-word", "piece 3 is empty"),
        ("", "vpn-auth-bare-word", "piece 1 is empty"),
        ("name=tailscale,joinKey=ab,SECRET", "vpn-auth-bare-word", "piece 3 (32 characters"),
        ("name=tailscale,joinKey=SECRET,joinKey=b", "vpn-auth-doubled-key", "`joinKey`"),
        ("name=tailscale,name=tailscale", "vpn-auth-doubled-key", "`name` is given twice"),
        ("name=tailscale,joinkey=SECRET", "vpn-auth-unknown-key", "`joinkey` is not a key"),
        ("name=tailscale,--ssh=true", "vpn-auth-unknown-key", "`--ssh` is not a key"),
        ("name=tailscale,SECRET=x", "vpn-auth-unknown-key", "not shown"),
    ]);
}

#[test]
fn a_value_that_is_missing_or_out_of_place_is_refused() {
    Machine::new().refuses_vpn_auth(&[
        ("name=tailscale,joinKey=", "vpn-auth-empty-value", "`joinKey` has no value"),
        ("name=,joinKey=SECRET", "vpn-auth-empty-value", "`name` has no value"),
        ("name=tailscale,extraArgs=", "vpn-auth-empty-value", "`extraArgs` has no value"),
        (
            "name=tailscale,extraArgs=--ssh,joinKey=SECRET",
            "vpn-auth-extra-args-not-last",
            "`joinKey` stands after `extraArgs`",
        ),
        ("name=tailscale,extraArgs=--hostname='a", "vpn-auth-quote", "never closed"),
        ("name=zerotier,joinKey=SECRET", "provider-unknown", "`zerotier`"),
        ("name=SECRET", "provider-unknown", "that name"),
        ("name=tailscale,joinKey=file:key", "secret-ref", "absolute path"),
        ("name=tailscale,joinKey=env:A-B", "secret-ref", "`env:`"),
        ("name=tailscale,joinKey=cred:../key", "secret-ref", "`cred:`"),
    ]);
}

#[test]
fn a_flag_that_tailscale_would_not_take_is_refused() {
    let machine = Machine::new();
    for (flags, code, words) in [
        ("--no-such-flag", "extra-args-unknown", "--no-such-flag"),
        ("--ssh=perhaps", "extra-args-value", "--ssh"),
        ("--hostname", "extra-args-value", "--hostname"),
        ("--advertise-routes=10.0.0.1/8", "extra-args-value", "10.0.0.0/8"),
        ("SECRET", "extra-args-word", "no flag"),
        ("--auth-key=SECRET", "extra-args-refused", "joinKey"),
        ("--login-server=http://x", "extra-args-refused", "controlServerURL"),
        ("--accept-routes=false", "extra-args-needed", "--accept-routes"),
    ] {
        let text = format!("name=tailscale,extraArgs={}", flags.replace("SECRET", SECRET));
        let error = machine.refuses(&["--vpn-auth", &text]);
        assert_eq!(error.code, code, "{error:?}");
        assert!(error.what.contains(words), "{error:?}");
    }
}

#[test]
fn a_control_server_url_that_tailscaled_cannot_use_is_refused() {
    let machine = Machine::new();
    for url in [
        "foo",
        "headscale:8080",
        "ftp://x",
        "http://",
        "http:///x",
        "http://:8080",
        "10.99.0.10:8080",
        " http://10.99.0.10:8080",
        "http://10.99.0.10:99999",
        "http://10.99.0.10:0",
        "http://10.99",
        "http://10.99.0.10/headscale",
        "http://10.99.0.10/?a=b",
        "http://10.99.0.10#x",
        "http://[fd00::1",
        "http://a b",
        "http://a\\b",
    ] {
        let text = format!("name=tailscale,controlServerURL={url},joinKey={SECRET}");
        let error = machine.refuses(&["--vpn-auth", &text]);
        assert_eq!(error.code, "control-url-invalid", "{url}: {error:?}");
        assert!(error.what.contains(url), "{url}: {error:?}");
    }
    for url in [SECRET.to_owned(), format!("http://me:{SECRET}@hs"), format!("http://{SECRET}@hs")]
    {
        let error =
            machine.refuses(&["--vpn-auth", &format!("name=tailscale,controlServerURL={url}")]);
        assert_eq!(error.code, "control-url-invalid", "{error:?}");
    }
}

#[test]
fn sources_that_disagree_are_refused() {
    let machine = Machine::new();
    let file = machine.file("vpn-auth", 0o600, "name=tailscale,joinKey=other");
    let text = format!("name=tailscale,joinKey={SECRET}");
    let error = machine.refuses(&["--vpn-auth", &text, "--vpn-auth-file", &file]);
    assert_eq!(error.code, "vpn-auth-disagree", "{error:?}");
    assert!(error.what.contains(&file) && error.what.contains("joinKey"), "{error:?}");

    let error = machine.refuses(&["--vpn-auth", &text, "--provider", "headscale"]);
    assert_eq!(error.code, "provider-disagree", "{error:?}");
    assert!(error.what.contains("--provider") && error.what.contains("--vpn-auth"), "{error:?}");

    let machine = machine.with("K3S_VPN_AUTH", &text).with("MOORLINE_VPN_AUTH", "name=tailscale");
    let error = machine.refuses(&[]);
    assert_eq!(error.code, "vpn-auth-disagree", "{error:?}");
    for variable in ["K3S_VPN_AUTH", "MOORLINE_VPN_AUTH"] {
        assert!(error.what.contains(variable), "{error:?}");
    }
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_chmod_that_mends_it() {
    let machine = Machine::new();
    let text = format!("name=tailscale,joinKey={SECRET}");
    for mode in [0o644, 0o640, 0o604, 0o620, 0o660] {
        let file = machine.file("vpn-auth", mode, &text);
        let error = machine.refuses(&["--vpn-auth-file", &file]);
        assert_eq!(error.code, "secret-file-mode", "{error:?}");
        assert!(error.what.contains(&file), "{error:?}");
        assert_eq!(error.fix, Some(format!("chmod 600 {file}")));
    }
    let table = format!("[vpn-auth]\nname = 'tailscale'\njoinKey = '{SECRET}'\n");
    let config = machine.file("config.toml", 0o644, &table);
    let error = machine.refuses(&["--config", &config]);
    assert_eq!(
        (error.code.as_str(), error.fix),
        ("secret-file-mode", Some(format!("chmod 600 {config}")))
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let machine = Machine::new();
    let folder = machine.folder().display().to_string();
    let missing = format!("{folder}/none");
    for file in [&missing, &folder] {
        let error = machine.refuses(&["--vpn-auth-file", file]);
        assert!(error.what.contains(file.as_str()), "{error:?}");
        let error = machine.refuses(&["--config", file]);
        assert!(error.what.contains(file.as_str()), "{error:?}");
    }
    let machine = machine.with("K3S_VPN_AUTH_FILE", &missing);
    assert!(machine.refuses(&[]).what.contains(&missing));
}

#[test]
fn a_config_file_with_a_fault_is_named_with_its_line() {
    let machine = Machine::new();
    for (content, code, words) in [
        ("cluster = 'a'\ncolour = 'red'\n", "config-unknown-key", "line 2"),
        ("[vpn-auth]\nname = 'tailscale'\njoinkey = 'SECRET'\n", "vpn-auth-unknown-key", "line 3"),
        ("[vpn-auth]\nname = 'tailscale'\njoinKey = 'SECRET\n", "config-syntax", "line 3"),
        ("pod-cidr = 3\n", "config-kind", "line 1"),
    ] {
        let file = machine.file("config.toml", 0o600, &content.replace("SECRET", SECRET));
        let error = machine.refuses(&["--config", &file]);
        assert_eq!(error.code, code, "{error:?}");
        assert!(error.what.contains(&file) && error.what.contains(words), "{error:?}");
    }
}

#[test]
fn a_setting_that_makes_no_sense_is_refused_with_what_would() {
    let machine = Machine::new();
    for args in [
        ["--pod-cidr", "10.42.3.1/24"],
        ["--pod-cidr", "10.99.3.0/24"],
        ["--pod-cidr", "ten"],
        ["--pod-bridge", "a/b"],
        ["--node-name", "A_b"],
        ["--wait-for", "soon"],
        ["--cluster", "Not A Name"],
        ["--cluster", ""],
        ["--state-dir", "state"],
    ] {
        let error = machine.refuses(&[&["--provider", "tailscale"][..], &args].concat());
        assert!(error.what.contains(args[0]), "{args:?}: {error:?}");
    }
}

#[test]
fn a_value_may_hold_an_equals_sign() {
    let machine = Machine::new();
    for key in [format!("{SECRET}=="), format!("{SECRET}=b=c"), format!("name={SECRET}")] {
        let text = format!("name=tailscale,joinKey={key},socket=/nonexistent/socket");
        let output = machine.up(&["--vpn-auth", &text]);
        assert_eq!(Refusal::in_answer(&output.stdout).code, "tailscaled-absent");
        assert_says_no_secret(&output, &[]);
    }
}

#[test]
fn what_k3s_takes_is_taken() {
    let machine = Machine::new();
    let socket = "socket=/nonexistent/socket";
    for text in [
        format!("name=tailscale,joinKey={SECRET},{socket}"),
        format!("name=tailscale,joinKey={SECRET},controlServerURL=http://hs:8080,{socket}"),
        format!(
            "name=tailscale,{socket},extraArgs=--ssh --hostname=a --advertise-tags=tag:a,tag:b"
        ),
    ] {
        let output = machine.up(&["--vpn-auth", &text]);
        assert_eq!(Refusal::in_answer(&output.stdout).code, "tailscaled-absent", "{text}");
        let file = machine.file("vpn-auth", 0o600, &format!("{text}\n"));
        for variable in ["K3S_VPN_AUTH_FILE", "MOORLINE_VPN_AUTH_FILE"] {
            let output = Machine::new().with(variable, &file).up(&[]);
            assert_eq!(Refusal::in_answer(&output.stdout).code, "tailscaled-absent", "{text}");
        }
    }
}

#[test]
fn a_key_outside_of_vpn_auth_is_not_repeated() {
    let machine = Machine::new();
    let text = format!("name=tailscale,joinKey={SECRET}");
    for args in [&[text.as_str()][..], &["--vpn-auht", &text], &["--vpn-auth", "a=b", &text]] {
        let output = machine.up(args);
        assert_eq!(output.status.code(), Some(2));
        assert_says_no_secret(&output, args);
    }
}

#[test]
fn the_daemon_of_these_tests_is_the_one_that_would_be_asked() {
    let machine = Machine::new();
    let text = format!("name=tailscale,{}", machine.socket());
    let binary = Command::new(env!("CARGO_BIN_EXE_moorline"))
        .args(["up", "--vpn-auth", &text])
        .env("MOORLINE_STATE_DIR", machine.state())
        .env("MOORLINE_RUN_DIR", machine.folder().join("run"))
        .stderr(Stdio::null())
        .spawn();
    let mut running = binary.expect("moorline");
    testenv::until("a call", SOON, || match machine.daemon_was_called() {
        true => Ok(()),
        false => Err("not yet"),
    });
    running.kill().and_then(|()| running.wait()).expect("a moorline that runs");
}
