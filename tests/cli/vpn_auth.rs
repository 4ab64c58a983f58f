//! What is wrong with `--vpn-auth` is said before the daemon is asked anything, and without
//! repeating a secret.

use crate::machine::{Machine, SECRET, assert_says_no_secret, refusal};

/// One row for every kind of fault and every place where a key may stand; the grammar's own
/// tests have the rest.
#[test]
fn a_malformed_string_is_refused_and_its_key_not_told() {
    let machine = Machine::new();
    for (text, code, words) in [
        ("SECRET", "vpn-auth-bare-word", "piece 1 (32 characters, not shown"),
        ("name=tailscale,SECRET", "vpn-auth-bare-word", "piece 2 (32 characters, not shown"),
        ("name=tailscale,joinKey=ab,SECRET", "vpn-auth-bare-word", "piece 3 (32 characters"),
        ("name=tailscale,,joinKey=SECRET", "vpn-auth-bare-word", "piece 2 is empty"),
        ("name=tailscale,joinKey=SECRET,", "vpn-auth-bare-word", "piece 3 is empty"),
        ("name=tailscale,joinKey=SECRET,joinKey=b", "vpn-auth-doubled-key", "`joinKey`"),
        ("name=tailscale,joinkey=SECRET", "vpn-auth-unknown-key", "`joinkey` is not a key"),
        ("name=tailscale,SECRET=x", "vpn-auth-unknown-key", "not shown"),
        ("name=tailscale,joinKey=SECRET,--ssh=true", "vpn-auth-unknown-key", "`--ssh`"),
        ("name=,joinKey=SECRET", "vpn-auth-empty-value", "`name` has no value"),
        ("joinKey=SECRET,name=tailscale,extraArgs=", "vpn-auth-empty-value", "`extraArgs`"),
        (
            "name=tailscale,extraArgs=--ssh,joinKey=SECRET",
            "vpn-auth-extra-args-not-last",
            "`joinKey` stands after `extraArgs`",
        ),
        ("name=tailscale,joinKey=SECRET,extraArgs='a", "vpn-auth-quote", "never closed"),
        ("name=zerotier,joinKey=SECRET", "provider-unknown", "`zerotier`"),
        ("name=SECRET", "provider-unknown", "that name"),
        ("name=tailscale,joinKey=file:SECRET", "secret-ref", "absolute path"),
        ("name=tailscale,joinKey=env:SECRET", "secret-ref", "`env:`"),
        ("name=tailscale,joinKey=cred:../SECRET", "secret-ref", "`cred:`"),
    ] {
        let text = text.replace("SECRET", SECRET);
        let error = machine.refuses(&["--vpn-auth", &text]);
        assert_eq!(error.code, code, "{text}: {error:?}");
        assert!(error.what.contains("flag --vpn-auth: "), "{text}: {error:?}");
        assert!(error.what.contains(words), "{text}: {error:?}");
    }
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
fn a_value_may_hold_an_equals_sign() {
    let machine = Machine::new();
    for key in [format!("{SECRET}=="), format!("{SECRET}=b=c"), format!("name={SECRET}")] {
        let text = format!("name=tailscale,joinKey={key},socket=/nonexistent/socket");
        let output = machine.up(&["--vpn-auth", &text]);
        assert_eq!(refusal(&output).code, "tailscaled-absent");
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
        assert_eq!(refusal(&output).code, "tailscaled-absent", "{text}");
        let file = machine.file("vpn-auth", 0o600, &format!("{text}\n"));
        for variable in ["K3S_VPN_AUTH_FILE", "MOORLINE_VPN_AUTH_FILE"] {
            let output = Machine::new().with(variable, &file).up(&[]);
            assert_eq!(refusal(&output).code, "tailscaled-absent", "{text}");
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
