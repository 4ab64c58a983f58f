//! What is wrong with a file, a variable or a flag is said before anything is touched, and where
//! it was said.

use crate::machine::{Machine, SECRET, refusal};

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
fn a_variable_that_is_almost_one_is_refused_by_every_command() {
    let machine = Machine::new().with("MOORLINE_POD_CIRD", "10.42.3.0/24");
    let error = machine.refuses(&["--provider", "tailscale"]);
    assert_eq!(error.code, "variable-unknown", "{error:?}");
    for name in ["MOORLINE_POD_CIRD", "MOORLINE_POD_CIDR"] {
        assert!(error.what.contains(name), "{error:?}");
    }
    for words in [&["status", "--json"][..], &["leave", "--json"]] {
        assert_eq!(refusal(&machine.run(words)).code, "variable-unknown", "{words:?}");
    }
}
