//! Every fault, met several times by the service, and once without Moorline.

use std::path::Path;
use std::time::Duration;

use testenv::heal::{
    ABROAD, CONTROL, DAEMON, DAEMON_BY_HAND, KERNEL, Outcome, PUT_OUT, REJOINED, Row, Site, Way,
};
use testenv::{Lab, Samples};

use crate::say;

/// How long k3s's way has. What is not whole by then never is: nothing there looks again.
const PATIENCE: Duration = Duration::from_secs(20);
/// Faults that people must mend take long to set up, and their time is no target.
const SEVERAL: usize = 2;

/// How a fault went.
pub(crate) struct Fault {
    /// What happened, and what was to come of it.
    pub(crate) row: Row,
    /// Whether this machine's kernel alone was concerned.
    pub(crate) is_kernel: bool,
    /// From the fault until it was whole, or named.
    pub(crate) took: Samples,
    /// The median of that, without what the VPN's daemon takes for its own start.
    pub(crate) beyond: f64,
    /// What went otherwise.
    pub(crate) failures: Vec<String>,
    /// How long it took without Moorline.
    pub(crate) elsewhere: Elsewhere,
}

/// How a fault went without Moorline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Elsewhere {
    /// There is no such thing there.
    Nothing,
    /// It was not made whole.
    Never,
    /// It was, after so many seconds.
    After(f64),
}

impl Fault {
    /// What came of it each time, in a word.
    pub(crate) fn outcome(&self) -> &'static str {
        match self.row.expected {
            _ if !self.failures.is_empty() => "neither",
            Outcome::Repaired => "repaired",
            Outcome::Finding(_) => "finding",
        }
    }
}

/// Meets them all.
pub(crate) fn run(moorline: &Path, repeats: usize) -> Vec<Fault> {
    let lab = |name: &str| Lab::new(name).expect("a lab").with_moorline(moorline);
    let restarts = Way { restarts: true, ..Way::default() };
    let keyless = Way { keyless: true, ..Way::default() };
    let rejoins = Way { rejoins: true, ..Way::default() };
    let several = repeats.min(SEVERAL);
    let mut faults = Vec::new();
    let scenes: [(&str, Way, &[&[Row]], usize); 5] = [
        ("kernel", Way::default(), &[KERNEL], repeats),
        ("daemon", restarts, &[DAEMON], repeats.min(3)),
        ("control", Way::default(), &[CONTROL, DAEMON_BY_HAND], several),
        ("put out", keyless, &[PUT_OUT], several),
        ("rejoin", rejoins, &[REJOINED], several),
    ];
    for (name, way, tables, repeats) in scenes {
        let lab = lab(&format!("bench-heal {name}"));
        let site = Site::new(&lab, way);
        for table in tables {
            faults.extend(meet(&site, table, repeats));
        }
    }
    let abroad = lab("bench-heal abroad");
    let site = Site::with(&abroad, abroad.headscale().at("203.0.113.10"), restarts);
    faults.extend(meet(&site, ABROAD, 1));
    drop(site);
    drop(abroad);
    without_moorline(&lab("bench-heal k3s"), &mut faults);
    faults
}

fn meet(site: &Site, table: &[Row], repeats: usize) -> Vec<Fault> {
    let has_restarts = table.iter().any(|row| row.restarts);
    let own_time = if has_restarts { own_time(site) } else { 0.0 };
    let is_kernel = std::ptr::eq(table, KERNEL);
    let mut faults: Vec<Fault> = table.iter().map(|row| fault(*row, is_kernel)).collect();
    for _ in 0..repeats {
        for fault in &mut faults {
            if !fault.row.goes_on {
                site.stop_service();
                site.start_service();
            }
            match site.meet(&fault.row) {
                Ok(met) => fault.took.add(met.took),
                Err(text) => fault.failures.push(text),
            }
        }
    }
    site.stop_service();
    for fault in &mut faults {
        let own_time = if fault.row.restarts { own_time } else { 0.0 };
        fault.beyond = (fault.took.median() - own_time).max(0.0);
        say(&format!("{:<70} {:>8.3} s", fault.row.name, fault.took.median()));
        fault.failures.iter().for_each(|text| say(text));
    }
    faults
}

/// How long the VPN's daemon takes by itself to start, as a median.
fn own_time(site: &Site) -> f64 {
    let mut times = Samples::default();
    site.stop_service();
    (0..3).for_each(|_| times.add(site.restart_takes()));
    times.median()
}

fn fault(row: Row, is_kernel: bool) -> Fault {
    Fault {
        row,
        is_kernel,
        took: Samples::default(),
        beyond: f64::NAN,
        failures: Vec::new(),
        elsewhere: Elsewhere::Nothing,
    }
}

fn without_moorline(lab: &Lab, faults: &mut [Fault]) {
    let site = Site::of_k3s(lab);
    for fault in faults.iter_mut().filter(|fault| fault.row.is_elsewhere()) {
        fault.elsewhere = match site.meets_without_moorline(&fault.row, PATIENCE) {
            Some(took) => Elsewhere::After(took.as_secs_f64()),
            None => Elsewhere::Never,
        };
        say(&format!("{:<70} {:?}", fault.row.name, fault.elsewhere));
        site.is_restored();
    }
}
