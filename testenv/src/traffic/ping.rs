//! Pings, by the system's `ping`.

use std::io::{BufRead, BufReader};
use std::net::IpAddr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Place;
use super::transfer::Gaps;
use crate::lab::{lock, mortal};

/// Running pings. Dropping them ends them.
pub struct Pings {
    record: Arc<Mutex<Record>>,
    child: Child,
}

struct Record {
    gaps: Gaps,
    /// The number that the last answer bears; the first one bears 1.
    last: u64,
}

impl Pings {
    pub(super) fn start(place: &Place<'_>, to: IpAddr) -> Pings {
        let mut ping = Command::new("ping");
        ping.args(["-n", "-i", "0.05", &to.to_string()]);
        let mut ping = mortal(&ping, None);
        ping.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = place.namespace.spawn(ping).expect("ping");
        let output = child.stdout.take().expect("ping's output");
        let record = Arc::new(Mutex::new(Record { gaps: Gaps::from_now(), last: 0 }));
        let heard = Arc::clone(&record);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(number) = number(&line) {
                    let mut heard = lock(&heard);
                    heard.gaps.arrived(1);
                    heard.last = heard.last.max(number);
                }
            }
        });
        Pings { record, child }
    }

    /// How many were answered.
    pub fn answered(&self) -> u64 {
        lock(&self.record).gaps.count
    }

    /// How many were not answered, of those before the last answer.
    pub fn lost(&self) -> u64 {
        let record = lock(&self.record);
        record.last - record.gaps.count
    }

    /// The longest time without an answer, the present one included.
    pub fn longest_gap(&self) -> Duration {
        lock(&self.record).gaps.longest()
    }
}

impl Drop for Pings {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Of a line such as `64 bytes from 10.42.2.10: icmp_seq=7 ttl=62 time=0.9 ms`.
fn number(line: &str) -> Option<u64> {
    let (_, rest) = line.split_once(" bytes from ")?.1.split_once("icmp_seq=")?;
    rest.split(' ').next()?.parse().ok()
}

/// Whether one of three pings is answered; with a size, unfragmented.
pub(super) fn answered(place: &Place<'_>, to: IpAddr, bytes: Option<u16>) -> bool {
    let address = to.to_string();
    let headers = if to.is_ipv4() { 28 } else { 48 };
    let payload = bytes.map_or(56, |bytes| bytes - headers).to_string();
    let mut args = vec!["-n", "-c", "1", "-W", "1", "-s", &payload];
    if bytes.is_some() {
        args.extend(["-M", "do"]);
    }
    args.push(&address);
    (0..3).any(|_| place.namespace.output("ping", &args, "").status.success())
}
