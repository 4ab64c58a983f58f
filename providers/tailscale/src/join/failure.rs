//! Why a login failed, from the words of the daemon and the control server. Pure.

use provider_api::{Error, ErrorKind};

/// Words in a text, and what they mean. The first row that matches counts.
struct Row {
    words: &'static [&'static str],
    kind: ErrorKind,
    code: &'static str,
    what: &'static str,
    fix: &'static str,
}

const fn row(
    words: &'static [&'static str],
    kind: ErrorKind,
    code: &'static str,
    what: &'static str,
    fix: &'static str,
) -> Row {
    Row { words, kind, code, what, fix }
}

const NEW_KEY: &str = "make a new key and put it into joinKey:\n\
    headscale: headscale preauthkeys create --user ID --reusable --expiration 1h\n\
    Tailscale: https://login.tailscale.com/admin/settings/keys";

/// What a control server says of a registration that it refuses
/// (headscale `hscontrol/types/preauth_key.go:88`, `hscontrol/auth.go:376`).
const REFUSALS: &[Row] = &[
    row(
        &["requested tags"],
        ErrorKind::Denied,
        "tags-refused",
        "the control server refuses the tags that --advertise-tags asks for",
        "leave --advertise-tags out and put the tags into the key:\n\
         headscale preauthkeys create --tags tag:k8s",
    ),
    row(
        // headscale 0.29 leaves the expiry as it is where a tagged node logs in again
        // (`hscontrol/state/state.go:1713`); a logout has set it.
        &["server says NodeKeyExpired"],
        ErrorKind::Denied,
        "entry-expired",
        "the control server keeps this machine's old entry expired, whatever the key",
        "an administrator lets the entry live, then the same command again:\n\
         headscale nodes list\n\
         headscale nodes expire --disable -i ID",
    ),
    row(&["expired"], ErrorKind::Auth, "auth-key-expired", "the join key has expired", NEW_KEY),
    row(
        &["already used"],
        ErrorKind::Auth,
        "auth-key-used",
        "the join key was for one node and has been used",
        NEW_KEY,
    ),
    row(&["revoked"], ErrorKind::Auth, "auth-key-revoked", "the join key was revoked", NEW_KEY),
    row(
        &[
            "invalid pre auth key",
            "failed to parse auth-key",
            "invalid auth key",
            "invalid authkey",
            "invalid key",
            "bcrypt",
        ],
        ErrorKind::Auth,
        "auth-key-invalid",
        "the control server does not know the join key",
        NEW_KEY,
    ),
    row(
        &["rate limited", "Too Many Requests"],
        ErrorKind::Unavailable,
        "control-busy",
        "the control server wants fewer attempts for now",
        "wait a minute and try again",
    ),
];

/// Stands in a fix for the control server's URL.
const SERVER: &str = "CONTROL_SERVER_URL";

const CHECK_URL: &str = "check controlServerURL in --vpn-auth";
const CHECK_SERVER: &str = "check that the control server runs and that this node can reach it:\n\
    curl -v CONTROL_SERVER_URL/key?v=142";

/// What tailscaled says of a control server that it cannot talk to.
const TROUBLES: &[Row] = &[
    row(
        // After a second connection within two minutes by plain http
        // (`control/controlhttp/client.go`, `forcing port 443 dial`).
        &["TLS forced"],
        ErrorKind::Unavailable,
        "control-url-plain-http",
        "tailscaled insists on https there since its last connection by http",
        "systemctl restart tailscaled, then the same command again\n\
         so that it does not happen again: put TLS in front of the control server",
    ),
    row(
        &["connection refused"],
        ErrorKind::Unavailable,
        "control-refused",
        "nothing listens there",
        CHECK_SERVER,
    ),
    row(
        &["failed to resolve", "no such host", "no DNS fallback"],
        ErrorKind::Unavailable,
        "control-name",
        "its name does not resolve",
        "check the name in controlServerURL, and this node's DNS: getent hosts NAME",
    ),
    row(
        &["no route to host", "network is unreachable"],
        ErrorKind::Unavailable,
        "control-unreachable",
        "this node has no way there",
        "check controlServerURL, and this node's routes: ip route get ADDRESS",
    ),
    row(
        &["x509", "certificate"],
        ErrorKind::Settings,
        "control-certificate",
        "its certificate is not trusted",
        "put the authority that signed it into this node's trust store, then restart tailscaled:\n\
         cp ca.crt /usr/local/share/ca-certificates/ && update-ca-certificates && systemctl restart tailscaled",
    ),
    row(
        &["first record does not look like a TLS handshake", "HTTP response to HTTPS client"],
        ErrorKind::Settings,
        "control-scheme",
        "it speaks http, not https",
        "write http:// in controlServerURL, or put TLS in front of the server",
    ),
    row(
        // What Go's servers and nginx answer to plain http on their https port.
        &["400 Bad Request"],
        ErrorKind::Settings,
        "control-scheme",
        "it does not understand the request; perhaps it speaks https, not http",
        "write https:// in controlServerURL",
    ),
    row(
        &[
            "500 Internal Server Error",
            "502 Bad Gateway",
            "503 Service Unavailable",
            "504 Gateway Timeout",
        ],
        ErrorKind::Unavailable,
        "control-failing",
        "it answers with a failure of its own, or of the proxy in front of it",
        CHECK_SERVER,
    ),
    row(
        &[
            "404 Not Found",
            "key hex has the wrong size",
            "too old; no noise key",
            "401 Unauthorized",
            "403 Forbidden",
            "405 Method Not Allowed",
        ],
        ErrorKind::Settings,
        "control-not-one",
        "it answers, but is no control server",
        CHECK_URL,
    ),
    row(
        &[
            "unsupported protocol scheme",
            "no Host in request",
            "invalid port",
            "first path segment",
        ],
        ErrorKind::Settings,
        "control-url-invalid",
        "tailscaled cannot use its URL",
        CHECK_URL,
    ),
    row(
        &["connection reset", "EOF"],
        ErrorKind::Unavailable,
        "control-reset",
        "it ends the connection; perhaps it speaks https and the URL says http, or the other way \
         round",
        CHECK_SERVER,
    ),
    row(
        &["register request: http 400"],
        ErrorKind::Unsupported,
        "control-too-new",
        "it does not take this version of tailscaled",
        "update tailscaled",
    ),
];

/// The error behind `Notify.ErrMessage`: the control server's answer to a registration.
pub(super) fn refused(text: &str, server: &str) -> Error {
    match find(REFUSALS, text) {
        Some(row) => row.error(format!("{} (it said: {text})", row.what), server),
        None => Error::new(
            ErrorKind::Denied,
            "login-refused",
            format!("the control server {server} refuses this node: {text}"),
        ),
    }
}

/// The error behind the health warning `login-state`: trouble on the way to the control
/// server. Also an answer of the server comes here a second time.
pub(super) fn troubled(text: &str, server: &str) -> Error {
    if let Some(row) = find(TROUBLES, text) {
        let what = format!("the control server {server} cannot be used: {}", row.what);
        return row.error(format!("{what} (tailscaled said: {text})"), server);
    }
    match find(REFUSALS, text) {
        Some(row) => row.error(format!("{} (it said: {text})", row.what), server),
        None => Error::unavailable(
            "control-trouble",
            format!("the control server {server} cannot be used: {text}"),
        )
        .fix(CHECK_SERVER.replace(SERVER, server)),
    }
}

/// The error where nothing at all was said until the deadline.
pub(super) fn silent(server: &str) -> Error {
    Error::unavailable(
        "control-silent",
        format!("the control server {server} did not answer: its packets may be dropped"),
    )
    .fix(CHECK_SERVER.replace(SERVER, server))
}

fn find(rows: &'static [Row], text: &str) -> Option<&'static Row> {
    rows.iter().find(|row| row.words.iter().any(|word| text.contains(word)))
}

impl Row {
    fn error(&self, what: String, server: &str) -> Error {
        Error::new(self.kind, self.code, what).fix(self.fix.replace(SERVER, server))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_that_was_seen_is_named() {
        for (text, code) in [
            ("invalid pre auth key", "auth-key-invalid"),
            (
                "handling register with auth key: invalid auth key: crypto/bcrypt: hashedPassword \
                 is not the hash of the given password",
                "auth-key-invalid",
            ),
            ("authkey expired", "auth-key-expired"),
            ("authkey already used", "auth-key-used"),
            ("authkey revoked", "auth-key-revoked"),
            (
                "handling register with auth key: creating new node: requested tags [tag:k8s] are \
                 invalid or not permitted",
                "tags-refused",
            ),
            ("invalid key: API key kXYZ not valid", "auth-key-invalid"),
            ("node registration rate limited; will retry after 1m", "control-busy"),
            (
                "handling register with auth key: failed to parse auth-key: key too short, \
                 expected at least 77 chars after prefix, got 17",
                "auth-key-invalid",
            ),
            ("something else", "login-refused"),
        ] {
            assert_eq!(refused(text, "http://hs").code, code, "{text}");
        }
    }

    #[test]
    fn a_lost_connection_by_plain_http_is_named_before_what_follows_from_it() {
        let text = "all connection attempts failed (HTTP: TLS forced: no port 80 dialed, HTTPS: \
                    dial tcp 203.0.113.10:443: connect: connection refused)";
        assert_eq!(troubled(text, "http://hs").code, "control-url-plain-http");
    }

    #[test]
    fn each_trouble_that_was_seen_is_named() {
        for (text, code) in [
            (
                r#"fetch control key: Get "http://H:9000/key?v=142": dial tcp H:9000: connect: connection refused"#,
                "control-refused",
            ),
            ("fetch control key: dial tcp: connect: no route to host", "control-unreachable"),
            ("fetch control key: dial tcp: connect: network is unreachable", "control-unreachable"),
            ("fetch control key: 400 Bad Request", "control-scheme"),
            (
                r#"fetch control key: failed to resolve "nosuch.invalid": no DNS fallback candidates remain"#,
                "control-name",
            ),
            ("fetch control key: 404 Not Found", "control-not-one"),
            ("fetch control key: 503 Service Unavailable", "control-failing"),
            (
                "invalid character 'o' in literal null (expecting 'u')\nkey hex has the wrong size, got 13 want 64",
                "control-not-one",
            ),
            (
                "fetch control key: x509: certificate signed by unknown authority",
                "control-certificate",
            ),
            (
                "fetch control key: tls: first record does not look like a TLS handshake",
                "control-scheme",
            ),
            (
                "fetch control key: http: server gave HTTP response to HTTPS client",
                "control-scheme",
            ),
            (
                "fetch control key: read tcp 10.0.0.1:40404->10.0.0.2:80: read: connection reset by peer",
                "control-reset",
            ),
            (
                r#"fetch control key: Get "foo/key?v=142": unsupported protocol scheme """#,
                "control-url-invalid",
            ),
            (
                r#"fetch control key: Get "http:/key?v=142": http: no Host in request URL"#,
                "control-url-invalid",
            ),
            (
                r#"create control key request: parse "…": first path segment in URL cannot contain colon"#,
                "control-url-invalid",
            ),
            ("fetch control key: dial tcp: address 99999: invalid port", "control-url-invalid"),
            ("authkey expired", "auth-key-expired"),
            (
                "weird: regen=true but server says NodeKeyExpired: nodekey:f28d780caa10b018",
                "entry-expired",
            ),
        ] {
            let error = troubled(text, "http://hs");
            assert_eq!(error.code, code, "{text}");
        }
    }
}
