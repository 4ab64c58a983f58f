use std::time::Duration;

use anstream::adapter::strip_str;
use provider_api::{Change, Plan};

use super::*;
use crate::example;
use crate::host::StatusReport;

fn page(status: StatusReport, changes: Vec<Change>, wanted: Option<Stage>) -> String {
    let report =
        UpReport { status, changes: Plan { changes }, wanted, took: Duration::from_millis(4200) };
    strip_str(&text(&report)).to_string()
}

fn quiet() -> StatusReport {
    StatusReport { findings: Vec::new(), ..example::report() }
}

#[test]
fn what_was_wanted_came_about() {
    let change = Change {
        subject: "NoSNAT".into(),
        from: "false".into(),
        to: "true".into(),
        why: "pods keep their addresses".into(),
    };
    assert_eq!(
        page(quiet(), vec![change], Some(Stage::Proven)),
        "~ NoSNAT: false -> true  (pods keep their addresses)\n\
         node-1 is proven in cluster default: packets cross to the pods of node-2 (4.2 s)\n"
    );
}

#[test]
fn what_was_wanted_did_not_come_about() {
    let status = StatusReport { stage: Stage::Served, ..quiet() };
    assert_eq!(
        page(status, Vec::new(), Some(Stage::Proven)),
        "nothing to change\nerror: node-1 is served, not proven, after 4.2 s\n"
    );
}

#[test]
fn without_waiting_the_stage_is_told_as_it_is() {
    let status = StatusReport { stage: Stage::Joined, ..quiet() };
    let page = page(status, Vec::new(), None);
    assert!(page.ends_with("node-1 is joined in cluster default (4.2 s)\n"), "{page}");
}

#[test]
fn nobody_else_is_said() {
    let mut status = quiet();
    let proof = status.proof.as_mut().expect("a proof");
    proof.verdict.outcome = Outcome::Alone;
    let page = page(status, Vec::new(), Some(Stage::Proven));
    assert!(page.contains("there is no other node to prove with yet"), "{page}");
}
