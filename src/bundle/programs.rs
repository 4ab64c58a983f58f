//! What this machine's own programs tell.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::File;
use crate::host::Directories;

/// Each of them looks at the kernel or the journal alone; one that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(10);
const PATH: &str = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";
/// How much of the journal is wanted.
const LINES: &str = "--lines=2000";

const NET: [(&str, &str); 11] = [
    ("net/links.txt", "ip -details link show"),
    ("net/addresses.txt", "ip address show"),
    ("net/routes-4.txt", "ip -4 route show table all"),
    ("net/routes-6.txt", "ip -6 route show table all"),
    ("net/rules-4.txt", "ip -4 rule show"),
    ("net/rules-6.txt", "ip -6 rule show"),
    ("net/neighbours.txt", "ip neighbour show"),
    ("net/sockets.txt", "ss -lnup"),
    ("net/nftables.txt", "nft --handle list ruleset"),
    ("net/iptables-legacy.txt", "iptables-legacy-save"),
    ("net/ip6tables-legacy.txt", "ip6tables-legacy-save"),
];

/// What they print; where one is missing or fails, that.
pub(super) async fn all(directories: &Directories, services: &[String]) -> Vec<File> {
    let canary = format!("--net={}", directories.canary().display());
    let mut journal = vec!["journalctl", "--no-pager", "--output=short-iso-precise", LINES];
    journal.extend(services.iter().flat_map(|service| ["--unit", service.as_str()]));
    let mut files = Vec::new();
    for (name, line) in NET {
        let words: Vec<&str> = line.split(' ').collect();
        files.push((name.to_owned(), said(&words).await));
    }
    for (name, words) in [
        ("net/canary-addresses.txt", &["nsenter", &canary, "ip", "address", "show"][..]),
        ("net/canary-routes.txt", &["nsenter", &canary, "ip", "route", "show", "table", "all"]),
        ("journal.txt", &journal),
    ] {
        files.push((name.to_owned(), said(words).await));
    }
    files
}

async fn said(words: &[&str]) -> String {
    let line = format!("$ {}\n", words.join(" "));
    let Some((program, arguments)) = words.split_first() else { return line };
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", PATH).env("LC_ALL", "C");
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    match timeout(DEADLINE, output).await {
        Err(_) => format!("{line}(did not end)\n"),
        Ok(Err(error)) => format!("{line}({error})\n"),
        Ok(Ok(output)) => {
            let [printed, faults] = [output.stdout, output.stderr]
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            format!("{line}{printed}{faults}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::said;

    #[tokio::test]
    async fn a_program_that_is_not_there_is_told() {
        let told = said(&["no-such-program-of-moorline"]).await;
        assert!(told.contains("(No such file or directory"), "{told}");
        assert_eq!(said(&["echo", "a", "b"]).await, "$ echo a b\na b\n");
    }
}
