use super::*;
use crate::example;
use provider_api::NodeId;
use testenv::promtool;

fn example() -> Snapshot {
    let mut status = example::report();
    let expires = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * 30);
    status.membership.as_mut().expect("a member").expires = Some(expires);
    example::snapshot(Some(status))
}

fn has(text: &str, line: &str) {
    assert!(text.lines().any(|one| one == line), "{line}\nis not in\n{text}");
}

#[test]
fn what_a_scrape_finds() {
    let text = text(&example());
    for line in [
        "moorline_build_info{version=\"0.1.0\"} 1",
        "moorline_last_reconcile_timestamp_seconds 86400",
        "moorline_reconcile_duration_seconds_sum 0.05",
        "moorline_reconcile_duration_seconds_count 2",
        "moorline_reconcile_errors_total 1",
        "moorline_repairs_total{subject=\"net/ipv4/ip_forward\"} 3",
        "moorline_stage{stage=\"proven\"} 1",
        "moorline_stage{stage=\"apart\"} 0",
        "moorline_findings{code=\"auto-update\",severity=\"warning\"} 1",
        "moorline_routes{stage=\"served\"} 1",
        "moorline_routes{stage=\"withheld\"} 1",
        "moorline_peers{cluster=\"this\",path=\"direct\"} 1",
        "moorline_peers{cluster=\"unknown\",path=\"relayed\"} 1",
        "moorline_peers{cluster=\"this\",path=\"offline\"} 0",
        "moorline_key_expiry_timestamp_seconds 2592000",
        "moorline_peer_reachable{peer=\"node-2\",id=\"2\",family=\"ipv4\"} 1",
        "moorline_peer_reachable{peer=\"node-3\",id=\"3\",family=\"ipv6\"} 0",
        "moorline_peer_round_trip_seconds{peer=\"node-2\",id=\"2\",family=\"ipv4\"} 0.012",
        "moorline_peers_without_series 0",
    ] {
        has(&text, line);
    }
    assert!(!text.contains("round_trip_seconds{peer=\"node-3\",id=\"3\",family=\"ipv6\"}"));
}

#[test]
fn a_service_without_a_network_is_apart_and_says_so() {
    let text = text(&example::snapshot(None));
    has(&text, "moorline_stage{stage=\"apart\"} 1");
    assert!(!text.contains("moorline_peers"), "{text}");
}

/// As many series as ever there can be: peers that share a name, and names that end a line.
fn crowd() -> Snapshot {
    let mut snapshot = example();
    let status = snapshot.status.as_mut().expect("a status");
    let proof = status.proof.as_mut().expect("a proof");
    let one = proof.verdict.peers[1].clone();
    proof.verdict.peers = (0..2000)
        .map(|number| PeerVerdict {
            id: NodeId::new(format!("id \"{number}\"\n")),
            name: "same\\name\n# HELP x".into(),
            ..one.clone()
        })
        .collect();
    status.findings = (0..500)
        .map(|number| {
            provider_api::Finding::new(Severity::Info, format!("code-{number}"), "it is", "it was")
        })
        .collect();
    snapshot.service.repairs =
        (0..500).map(|number| (format!("subject \"{number}\""), number)).collect();
    snapshot
}

#[test]
fn there_are_never_more_than_some_hundred_series() {
    let text = text(&crowd());
    let series = text.lines().filter(|line| !line.starts_with('#')).count();
    assert!((250..500).contains(&series), "{series}");
    has(&text, "moorline_peers_without_series 1968");
    has(&text, "moorline_findings{code=\"(others)\",severity=\"(others)\"} 436");
}

#[test]
fn promtool_finds_nothing_to_say() {
    for snapshot in [example::snapshot(None), example(), crowd()] {
        let Some(said) = promtool("metrics", &["check", "metrics"], &text(&snapshot)) else {
            return;
        };
        assert_eq!(said, Ok(String::new()));
    }
}

#[test]
fn the_alerts_are_about_metrics_that_are_told_and_fire_when_they_should() {
    let alerts = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/alerts");
    let rules = std::fs::read_to_string(format!("{alerts}/moorline.rules.yml")).expect("rules");
    let page = text(&example());
    let words = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let named: Vec<&str> = words.filter(|word| word.starts_with("moorline_")).collect();
    assert!(named.len() > 8, "{named:?}");
    for name in named {
        assert!(page.contains(&format!("\n# TYPE {name} ")), "{name}");
    }
    for words in [["check", "rules"], ["test", "rules"]] {
        let file = if words[0] == "check" { "moorline.rules.yml" } else { "moorline.test.yml" };
        let path = format!("{alerts}/{file}");
        let Some(said) = promtool("alerts", &[words[0], words[1], &path], "") else { return };
        assert!(said.is_ok(), "{said:?}");
    }
}
