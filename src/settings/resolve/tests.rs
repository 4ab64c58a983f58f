use std::path::Path;

use provider_api::Secret;

use super::*;
use crate::settings::example::manifest;
use crate::settings::{Layer, SecretRef, VpnAuth, read_config};

const AUTH: &str = "name=tailscale,joinKey=file:/etc/moorline/key";

fn resolved(sources: &Sources) -> Result<Settings, Error> {
    resolve(sources, &[manifest("tailscale"), manifest("wireguard-native")])
}

fn flag(name: &str) -> Origin {
    Origin::Flag(name.to_owned())
}

/// Flags, as `--word value`; `vpn-auth` is one of them.
fn flags(said: &[(&str, &str)]) -> Layer {
    let mut layer = Layer::default();
    for (name, text) in said {
        let origin = flag(&format!("--{name}"));
        match Word::named(name) {
            Some(word) => layer.say(word, [(*text).to_owned()], origin),
            None => layer.vpn_auth.push(VpnAuth::cut(text, origin)),
        }
    }
    layer
}

fn only_flags(said: &[(&str, &str)]) -> Result<Settings, Error> {
    resolved(&Sources { flags: flags(said), ..Sources::default() })
}

fn environment(name: &str, text: &str) -> Layer {
    let mut layer = Layer::default();
    layer.vpn_auth.push(VpnAuth::cut(text, Origin::Environment(name.to_owned())));
    layer
}

fn config(text: &str) -> Layer {
    read_config(Path::new("/etc/moorline/config.toml"), text).expect(text)
}

#[test]
fn what_nobody_says_is_as_in_k3s() {
    let settings = only_flags(&[("vpn-auth", AUTH)]).expect("enough");
    assert_eq!(settings.cluster.value.as_str(), "default");
    assert_eq!(settings.cluster_cidrs.value, ["10.42.0.0/16".parse().expect("CIDR")]);
    assert_eq!(settings.service_cidrs.value, ["10.43.0.0/16".parse().expect("CIDR")]);
    assert!(settings.pod_cidrs.value.is_empty());
    assert_eq!(settings.wait, Sourced::default(Some(Stage::Proven)));
    assert_eq!(settings.state_dir.value, Path::new("/var/lib/moorline"));
    assert!(settings.findings.is_empty());
}

#[test]
fn flag_over_environment_over_file() {
    let sources = Sources {
        flags: flags(&[("cluster", "red"), ("vpn-auth", "joinKey=file:/flag")]),
        environment: environment("K3S_VPN_AUTH", "name=tailscale,joinKey=env:KEY"),
        file: config(
            "cluster = \"blue\"\nmode = \"underlay\"\n\
             [vpn-auth]\njoinKey = \"cred:key\"\ncontrolServerURL = \"https://h\"\nextraArgs = [\"--ssh\"]\n",
        ),
    };
    let settings = resolved(&sources).expect("three ranks");
    let places = [
        (settings.cluster.origin.to_string(), "flag --cluster"),
        (settings.provider.origin.to_string(), "environment K3S_VPN_AUTH"),
        (settings.secrets["joinKey"].origin.to_string(), "flag --vpn-auth"),
        (settings.mode.origin.to_string(), "/etc/moorline/config.toml mode"),
        (
            settings.keys["controlServerURL"].origin.to_string(),
            "/etc/moorline/config.toml vpn-auth.controlServerURL",
        ),
        (settings.extra_args.origin.to_string(), "/etc/moorline/config.toml vpn-auth.extraArgs"),
        (settings.wait_for.origin.to_string(), "default"),
    ];
    for (origin, place) in places {
        assert_eq!(origin, place);
    }
    assert_eq!(settings.secrets["joinKey"].value, SecretRef::File("/flag".into()));
    assert_eq!(settings.extra_args.value, ["--ssh"]);
}

#[test]
fn sources_of_one_rank_must_agree() {
    let two = |text: &str| {
        let mut environment = environment("K3S_VPN_AUTH", "name=tailscale,joinKey=one");
        let other = Origin::Environment("MOORLINE_VPN_AUTH".to_owned());
        environment.vpn_auth.push(VpnAuth::cut(text, other));
        resolved(&Sources { environment, ..Sources::default() })
    };
    let error = two("name=tailscale,joinKey=two,extraArgs=--ssh").expect_err("they differ");
    assert_eq!(
        error.what,
        "environment K3S_VPN_AUTH and environment MOORLINE_VPN_AUTH disagree: \
         they differ in joinKey, extraArgs"
    );
    assert!(two("joinKey=one,name=tailscale").is_ok());
}

#[test]
fn the_provider_is_named_once() {
    let settings = only_flags(&[("provider", "tailscale")]).expect("named");
    assert_eq!(settings.provider.origin.to_string(), "flag --provider");
    assert!(only_flags(&[("provider", "tailscale"), ("vpn-auth", AUTH)]).is_ok());

    let error =
        only_flags(&[("provider", "wireguard-native"), ("vpn-auth", AUTH)]).expect_err("two");
    assert_eq!(
        error.what,
        "flag --provider and flag --vpn-auth disagree: \
         one names `wireguard-native`, the other `tailscale`"
    );

    let error = only_flags(&[("vpn-auth", "name=netmaker")]).expect_err("unknown");
    assert_eq!(error.what, "flag --vpn-auth: no provider is called `netmaker`");
    assert_eq!(error.fix.as_deref(), Some("known: tailscale, wireguard-native"));

    assert_eq!(only_flags(&[]).expect_err("none").code, "provider-missing");
    let error = only_flags(&[("vpn-auth", "tailscale,joinKey=k")]).expect_err("bare");
    assert_eq!(error.code, "vpn-auth-bare-word");
}

#[test]
fn a_lower_rank_of_another_provider_is_left_out_and_said() {
    let sources = Sources {
        flags: flags(&[("vpn-auth", AUTH)]),
        file: config("[vpn-auth]\nname = \"wireguard-native\"\njoinKey = \"cred:key\"\n"),
        ..Sources::default()
    };
    let settings = resolved(&sources).expect("the flag wins");
    assert_eq!(settings.secrets["joinKey"].origin, flag("--vpn-auth"));
    assert_eq!(settings.findings[0].code, "vpn-auth-left-out");
}

#[test]
fn unknown_keys_of_the_table_name_their_line() {
    let sources = Sources {
        file: config("[vpn-auth]\nname = \"tailscale\"\n\njoinkey = \"k\"\n"),
        ..Sources::default()
    };
    let error = resolved(&sources).expect_err("joinkey");
    assert_eq!(error.what, "/etc/moorline/config.toml vpn-auth: line 4: `joinkey` is not a key");
}

#[test]
fn a_literal_is_found_and_never_shown() {
    let secret = "tskey-auth-k1T9X6";
    let settings =
        only_flags(&[("vpn-auth", &format!("name=tailscale,joinKey={secret}"))]).expect("fine");
    assert_eq!(settings.secrets["joinKey"].value, SecretRef::Literal(Secret::new(secret)));
    assert_eq!(settings.findings[0].code, "literal-key");
    assert_eq!(settings.findings[0].severity, Severity::Warning);
    let provider = settings.provider_settings().expect("settings");
    assert!(provider.secrets.contains("joinKey"));
    assert!(!format!("{settings:?} {provider:?}").contains(secret));
}

#[test]
fn what_single_values_cannot_tell() {
    let fault = |said: &[(&str, &str)]| {
        let said = [said, &[("provider", "tailscale")]].concat();
        only_flags(&said).expect_err("inconsistent").code
    };
    assert_eq!(fault(&[("pod-cidr", "10.44.0.0/24")]), "pod-cidr-outside-cluster");
    assert_eq!(
        fault(&[("pod-cidr", "10.42.0.0/24"), ("mode", "underlay")]),
        "pod-cidr-in-underlay"
    );
    assert_eq!(
        fault(&[("cluster-cidr", "10.0.0.0/8"), ("service-cidr", "10.43.0.0/16")]),
        "service-cidr-overlap"
    );
    let guess = [("provider", "tailscale"), ("cluster-cidr", "10.0.0.0/8")];
    assert_eq!(only_flags(&guess).expect("a guess").findings[0].code, "service-cidr-overlap");
    assert_eq!(fault(&[("cluster", "")]), "empty-value");
}

#[test]
fn lists_are_cut_at_commas() {
    let said = [
        ("provider", "tailscale"),
        ("cluster-cidr", "10.42.0.0/16,2001:cafe:42::/56"),
        ("pod-cidr", "10.42.3.0/24, 2001:cafe:42:3::/64"),
    ];
    assert_eq!(only_flags(&said).expect("both families").pod_cidrs.value.len(), 2);
}
