//! What is written to a host's kernel, by whomever.

use std::path::PathBuf;

use testenv::{Host, until};

use crate::refusal::SOON;

/// Writes something harmless and takes it back, so that the notes are known to go so far.
const MARK: &str = "ip rule add pref 1 to 192.0.2.1; ip rule delete pref 1; \
                    nft add table ip sofar; nft delete table ip sofar";

/// Notes every change of links, addresses, routes, ip rules and nftables.
pub(crate) struct Kernel<'a> {
    host: &'a Host,
    notes: [PathBuf; 2],
}

impl<'a> Kernel<'a> {
    /// Notes from now on.
    pub(crate) fn watched(host: &'a Host) -> Kernel<'a> {
        let notes = ["ip", "nft"].map(|which| host.folder().join(format!("changes-{which}")));
        let [ip, nft] = notes.each_ref().map(|notes| notes.display());
        host.shell(&format!(
            "stdbuf -oL ip monitor link address route rule >{ip} 2>&1 &
             stdbuf -oL nft monitor >{nft} 2>&1 &"
        ))
        .succeeded();
        let kernel = Kernel { host, notes };
        kernel.catch_up();
        kernel
    }

    /// What was changed so far, line by line.
    pub(crate) fn changes(&self) -> Vec<String> {
        self.catch_up();
        let lines = self.lines().into_iter().flatten();
        lines.filter(|line| !is_mark(line) && !line.starts_with('#')).collect()
    }

    fn catch_up(&self) {
        let marks = || self.lines().map(|lines| lines.iter().filter(|line| is_mark(line)).count());
        let before = marks();
        until("notes that go as far as now", SOON, || {
            self.host.shell(MARK).succeeded();
            let now = marks();
            if now[0] > before[0] && now[1] > before[1] { Ok(()) } else { Err(now) }
        });
    }

    fn lines(&self) -> [Vec<String>; 2] {
        self.notes.each_ref().map(|notes| {
            let text = std::fs::read_to_string(notes).expect("notes");
            text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
        })
    }
}

fn is_mark(line: &str) -> bool {
    line.contains("to 192.0.2.1 ") || line.ends_with(" table ip sofar")
}
