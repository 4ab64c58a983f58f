//! A certificate that says who the control server is, signed by itself.

use std::path::PathBuf;

use crate::lab::Host;

pub(super) fn path(host: &Host) -> PathBuf {
    host.folder().join("headscale.crt")
}

pub(super) fn key(host: &Host) -> PathBuf {
    host.folder().join("headscale.key")
}

pub(super) fn make(host: &Host) {
    let mut openssl = host.command("openssl");
    openssl
        .args(["req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=headscale"])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-addext", &format!("subjectAltName=IP:{}", host.address())])
        .arg("-keyout")
        .arg(key(host))
        .arg("-out")
        .arg(path(host));
    let answer = host.run(&openssl);
    assert_eq!(answer.code, Some(0), "openssl: {answer:?}");
}
