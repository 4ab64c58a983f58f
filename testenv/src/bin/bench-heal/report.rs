//! A table for people, and target/bench/heal.json.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};
use testenv::Samples;
use testenv::heal::Outcome;

use crate::contest::{Elsewhere, Fault};
use crate::idle::Idle;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench/heal.json");

/// The targets, in seconds and beyond the daemon's own start; in bytes; in percent of a core.
const KERNEL: f64 = 1.0;
const PROVIDER: f64 = 2.0;
const RSS: u64 = 12_000_000;
const CPU: f64 = 0.2;

/// Prints the table and writes the file.
pub(crate) fn publish(faults: &[Fault], idle: &Idle) -> io::Result<()> {
    let mut out = anstream::stdout();
    for line in table(faults).into_iter().chain(weights(idle)) {
        writeln!(out, "{line}")?;
    }
    let file = Path::new(FILE);
    fs::create_dir_all(file.parent().unwrap_or(file))?;
    fs::write(file, format!("{:#}\n", figures(faults, idle)))
}

fn figures(faults: &[Fault], idle: &Idle) -> Value {
    let mut all = Samples::default();
    let repaired = faults.iter().filter(|fault| is_timed(fault) && fault.beyond.is_finite());
    repaired.for_each(|fault| all.add(std::time::Duration::from_secs_f64(fault.beyond)));
    json!({
        "faults": faults.len(),
        "as_expected": faults.iter().filter(|fault| fault.failures.is_empty()).count(),
        "median_s": all.median(),
        "idle_rss_bytes": idle.rss_bytes,
        "idle_cpu_percent": idle.cpu_percent,
        "idle_peak_rss_bytes": idle.peak_rss_bytes,
        "idle_wakeups_per_second": idle.wakeups_per_second,
        "rows": faults.iter().map(row).collect::<Vec<_>>(),
    })
}

fn row(fault: &Fault) -> Value {
    let expected = match fault.row.expected {
        Outcome::Repaired => "repaired".to_owned(),
        Outcome::Finding(code) => format!("finding {code}"),
    };
    json!({
        "name": fault.row.name,
        "expected": expected,
        "outcome": fault.outcome(),
        "seconds": fault.took,
        "beyond_restart_s": fault.beyond,
        "target_s": is_timed(fault).then(|| target(fault)),
        "k3s": match fault.elsewhere {
            Elsewhere::Nothing => Value::Null,
            Elsewhere::Never => json!("never"),
            Elsewhere::After(seconds) => json!(seconds),
        },
    })
}

fn is_timed(fault: &Fault) -> bool {
    fault.row.expected == Outcome::Repaired
}

fn target(fault: &Fault) -> f64 {
    if fault.is_kernel { KERNEL } else { PROVIDER }
}

fn table(faults: &[Fault]) -> Vec<String> {
    let head = ["fault", "outcome", "median (least - greatest)", "beyond", "k3s's way", "target"];
    let mut lines = vec![line(head.map(str::to_owned))];
    lines.extend(faults.iter().map(|fault| line(cells(fault))));
    lines
}

fn line(cells: [String; 6]) -> String {
    let [what, outcome, took, beyond, elsewhere, target] = cells;
    let line = format!("{what:<68} {outcome:<28} {took:<26} {beyond:<8} {elsewhere:<10} {target}");
    line.trim_end().to_owned()
}

fn cells(fault: &Fault) -> [String; 6] {
    let (least, greatest) = fault.took.spread();
    let outcome = match (fault.outcome(), fault.row.expected) {
        ("finding", Outcome::Finding(code)) => format!("finding {code}"),
        (outcome, _) => outcome.to_owned(),
    };
    let missed = if fault.beyond <= target(fault) { "" } else { ", missed" };
    [
        fault.row.name.to_owned(),
        outcome,
        format!("{:.2} s ({least:.2} - {greatest:.2})", fault.took.median()),
        if fault.row.restarts { format!("{:.2} s", fault.beyond) } else { String::new() },
        match fault.elsewhere {
            Elsewhere::Nothing => "-".to_owned(),
            Elsewhere::Never => "never".to_owned(),
            Elsewhere::After(seconds) => format!("{seconds:.2} s"),
        },
        if is_timed(fault) { format!("<= {} s{missed}", target(fault)) } else { String::new() },
    ]
}

fn weights(idle: &Idle) -> Vec<String> {
    let missed = |is_met: bool| if is_met { "" } else { ", missed" };
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    vec![
        String::new(),
        format!(
            "idle with 3 peers: {} resident (<= {}{}), {:.2} % of a core (<= {CPU} %{}), \
             {:.1} wake-ups a second, {} at most",
            megabytes(idle.rss_bytes),
            megabytes(RSS),
            missed(idle.rss_bytes <= RSS),
            idle.cpu_percent,
            missed(idle.cpu_percent <= CPU),
            idle.wakeups_per_second,
            megabytes(idle.peak_rss_bytes),
        ),
        "k3s's way: tailscaled under systemd's Restart=on-failure, joined by `tailscale up`, and \
         flanneld's extension backend, whose one command ran once; never: not within 20 s"
            .to_owned(),
    ]
}
