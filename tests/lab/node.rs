//! A node: what an operator types there, and what its tailscaled has to say.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;
use testenv::{Host, Lab, Run, Tailscaled};

/// `moorline up --json` with these words.
pub(crate) fn up(host: &Host, vpn_auth: &str, words: &[&str]) -> Run {
    host.moorline([&["up", "--json", "--vpn-auth", vpn_auth], words].concat())
}

/// What `moorline status --json` says.
pub(crate) fn status(host: &Host) -> Value {
    host.moorline(["status", "--json", "--prove"]).succeeded().json()
}

/// The finding of this code in a status; none where it is not there.
pub(crate) fn finding<'a>(status: &'a Value, code: &str) -> Option<&'a Value> {
    let findings = status["findings"].as_array().expect("a list of findings");
    findings.iter().find(|finding| finding["code"] == code)
}

/// What fixes the finding of this code.
pub(crate) fn fix<'a>(status: &'a Value, code: &str) -> &'a str {
    let finding = finding(status, code).unwrap_or_else(|| panic!("no {code}: {status:#}"));
    finding["fix"].as_str().expect("a finding with a fix")
}

/// The stage of a route of this node; none where it does not advertise it.
pub(crate) fn route_stage<'a>(status: &'a Value, prefix: &str) -> Option<&'a str> {
    let routes = status["routes"].as_array().expect("a list of routes");
    routes.iter().find(|route| route["prefix"] == prefix)?["stage"].as_str()
}

/// This node's IPv4 address in the tailnet.
pub(crate) fn address(tailscaled: &Tailscaled) -> std::net::IpAddr {
    let address = tailscaled.tailscale(&["ip", "-4"]);
    address.trim().parse().expect("an address in the tailnet")
}

/// The preferences, byte for byte as the daemon gives them out.
pub(crate) fn prefs(tailscaled: &Tailscaled) -> String {
    ask(tailscaled, "GET", "")
}

/// Changes preferences as any client may, past the `tailscale` command's own order of things.
pub(crate) fn change_prefs(tailscaled: &Tailscaled, masked: &Value) {
    ask(tailscaled, "PATCH", &masked.to_string());
}

/// How often this host's tailscaled changed preferences: it logs no edit that changes nothing.
pub(crate) fn edits(lab: &Lab, host: &Host) -> usize {
    let log = lab.logs().join(format!("{}-tailscaled.log", host.name()));
    let log = std::fs::read_to_string(log).expect("tailscaled's log");
    log.matches("EditPrefs: ").count()
}

fn ask(tailscaled: &Tailscaled, method: &str, body: &str) -> String {
    let mut socket = UnixStream::connect(tailscaled.socket()).expect("tailscaled's socket");
    let length = body.len();
    // HTTP/1.0 keeps the answer in one piece.
    let request = format!(
        "{method} /localapi/v0/prefs HTTP/1.0\r\nHost: local-tailscaled.sock\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    socket.write_all(request.as_bytes()).expect("a request to tailscaled");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer of tailscaled");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer with a body");
    assert!(head.contains(" 200 "), "{method} prefs: {answer}");
    body.to_owned()
}
