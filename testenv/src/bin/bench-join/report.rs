//! A table for people, and target/bench/join.json.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};
use testenv::Samples;

use crate::contest::{Pair, Results};

const MEGABYTE: u64 = 1_000_000;
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench/join.json");

/// Prints the table and writes the file.
pub(crate) fn publish(results: &Results) -> io::Result<()> {
    let mut out = anstream::stdout();
    for line in table(results) {
        writeln!(out, "{line}")?;
    }
    let file = Path::new(FILE);
    fs::create_dir_all(file.parent().unwrap_or(file))?;
    fs::write(file, format!("{:#}\n", figures(results)))
}

fn figures(results: &Results) -> Value {
    json!({
        "join_ratio": results.join.ratio(),
        "up_ratio": results.up.ratio(),
        "status_ratio": results.status.ratio(),
        "binary_bytes": results.binary_bytes,
        "up_peak_rss_bytes": results.up_peak_rss_bytes,
        "seconds": { "join": results.join, "up": results.up, "status": results.status },
    })
}

fn table(results: &Results) -> Vec<String> {
    vec![
        row(["median (least - greatest)", "moorline", "tailscale", "ratio", "target"]),
        times("join to the first answer", &results.join, Some(1.1)),
        times("until the commands end", &results.up, None),
        times("status --json", &results.status, Some(0.5)),
        size("static binary", results.binary_bytes, 12 * MEGABYTE),
        size("peak memory of up", results.up_peak_rss_bytes, 20 * MEGABYTE),
    ]
}

fn row(cells: [&str; 5]) -> String {
    let [what, ours, theirs, ratio, target] = cells;
    format!("{what:<26} {ours:<24} {theirs:<24} {ratio:<6} {target}").trim_end().to_owned()
}

fn times(what: &str, pair: &Pair, most: Option<f64>) -> String {
    let ratio = pair.ratio();
    let target = most.map_or_else(String::new, |most| {
        format!("<= {most}{}", if ratio <= most { "" } else { ", missed" })
    });
    row([what, &spread(&pair.moorline), &spread(&pair.tailscale), &format!("{ratio:.2}"), &target])
}

fn spread(samples: &Samples) -> String {
    let (least, greatest) = samples.spread();
    let median = samples.median();
    if median < 0.5 {
        return format!("{:.1} ms ({:.1} - {:.1})", median * 1e3, least * 1e3, greatest * 1e3);
    }
    format!("{median:.2} s ({least:.2} - {greatest:.2})")
}

fn size(what: &str, bytes: u64, most: u64) -> String {
    let tenths = bytes * 10 / MEGABYTE;
    let text = format!("{}.{} MB", tenths / 10, tenths % 10);
    let missed = if bytes <= most { "" } else { ", missed" };
    row([what, &text, "", "", &format!("<= {} MB{missed}", most / MEGABYTE)])
}
