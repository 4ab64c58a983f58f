//! The same for `iptables-legacy`, whose tables `nft` does not see, and whose changes the kernel
//! tells nobody.

use std::fs;

use serde_json::{Value, json};

use super::house::{House, Invitation, Place};
use super::{By, Closed, Guest};
use crate::error::Result;
use crate::nftables::{Chain, ChainRule, Program, run};

/// What stands for the family of IPv4 tables.
pub(super) const IPV4: &str = "iptables-legacy";
/// What stands for the family of IPv6 tables.
pub(super) const IPV6: &str = "ip6tables-legacy";

const PACKAGE: &str = "iptables";

/// The commands for one family.
struct Legacy {
    family: &'static str,
    restore: &'static str,
    /// Where the kernel lists the tables that there are.
    tables: &'static str,
}

const BOTH: [Legacy; 2] = [
    Legacy {
        family: IPV4,
        restore: "iptables-legacy-restore",
        tables: "/proc/thread-self/net/ip_tables_names",
    },
    Legacy {
        family: IPV6,
        restore: "ip6tables-legacy-restore",
        tables: "/proc/thread-self/net/ip6_tables_names",
    },
];

/// The chains that drop by default, and do not ask the guest.
pub(super) async fn closed(guest: &Guest) -> Result<Vec<Closed>> {
    let mut closed = Vec::new();
    for legacy in BOTH {
        let Some(lines) = legacy.lines().await? else { continue };
        let rules = |chain: &str| rules(legacy.family, chain, &lines);
        let house = House {
            chain: chain(legacy.family, "FORWARD"),
            drops_by_policy: lines.contains("-P FORWARD DROP\n"),
            rules: rules("FORWARD"),
            guest: has(&lines, &guest.chain).then(|| rules(&guest.chain)),
        };
        closed.extend(house.invitation(guest).map(|invitation| Closed {
            script: script(&invitation),
            chain: invitation.chain,
            by: By::Legacy(Program { name: legacy.restore, package: PACKAGE }),
        }));
    }
    Ok(closed)
}

/// Takes the guest out. Returns the chains that asked it.
pub(super) async fn remove(guest: &str) -> Result<Vec<Chain>> {
    let mut asked = Vec::new();
    for legacy in BOTH {
        let Some(lines) = legacy.lines().await?.filter(|lines| has(lines, guest)) else { continue };
        let jump = format!("-A FORWARD -j {guest}");
        let leave: String = lines
            .lines()
            .filter(|line| **line == jump)
            .map(|_| format!("-D FORWARD -j {guest}\n"))
            .collect();
        asked.extend((!leave.is_empty()).then(|| chain(legacy.family, "FORWARD")));
        let restore = Program { name: legacy.restore, package: PACKAGE };
        let script = format!("*filter\n{leave}-F {guest}\n-X {guest}\nCOMMIT\n");
        let what = || format!("delete the chain {guest} of {}", legacy.family);
        write(restore, &script, what).await?;
    }
    Ok(asked)
}

/// Writes in one transaction.
pub(super) async fn write(restore: Program, script: &str, what: impl Fn() -> String) -> Result<()> {
    run(restore, &["--wait=5", "--noflush"], script, what).await.map(drop)
}

impl Legacy {
    /// The filter table as `-S` prints it; none where there is none, or nobody to ask. Asking
    /// would make one.
    async fn lines(&self) -> Result<Option<String>> {
        let tables = fs::read_to_string(self.tables).unwrap_or_default();
        if !tables.lines().any(|table| table == "filter") {
            return Ok(None);
        }
        let program = Program { name: self.family, package: PACKAGE };
        let what = || format!("list the rules of {}", self.family);
        match run(program, &["--wait=5", "-S"], "", what).await {
            Err(error) if error.is_missing_program() => Ok(None),
            lines => lines.map(Some),
        }
    }
}

fn chain(family: &str, name: &str) -> Chain {
    let [family, table, name] = [family, "filter", name].map(str::to_owned);
    Chain { family, table, name }
}

fn has(lines: &str, chain: &str) -> bool {
    lines.lines().any(|line| line.strip_prefix("-N ") == Some(chain))
}

/// The rules of a chain, in the words of nftables; their numbers are their handles.
fn rules(family: &str, chain: &str, lines: &str) -> Vec<ChainRule> {
    let start = format!("-A {chain} ");
    let own = lines.lines().filter_map(|line| line.strip_prefix(&start));
    let numbered = (1..).zip(own).map(|(handle, rule)| ChainRule {
        family: family.to_owned(),
        table: "filter".to_owned(),
        chain: chain.to_owned(),
        handle,
        statements: statements(rule),
    });
    numbered.collect()
}

fn statements(rule: &str) -> Vec<Value> {
    let words: Vec<&str> = rule.split(' ').collect();
    match words[..] {
        ["-j", target] => vec![verdict(target)],
        ["-j", "REJECT", "--reject-with", _] => vec![verdict("REJECT")],
        [end @ ("-s" | "-d"), net, "-j", "ACCEPT"] => vec![matches(end, net), verdict("ACCEPT")],
        _ => vec![json!({"xt": rule})],
    }
}

fn verdict(target: &str) -> Value {
    match target {
        "ACCEPT" => json!({"accept": null}),
        "DROP" => json!({"drop": null}),
        "REJECT" => json!({"reject": null}),
        // It writes into the log, and goes on.
        "LOG" => json!({"log": null}),
        chain => json!({"jump": {"target": chain}}),
    }
}

fn matches(end: &str, net: &str) -> Value {
    let protocol = if net.contains(':') { "ip6" } else { "ip" };
    let field = if end == "-s" { "saddr" } else { "daddr" };
    let (address, length) = net.split_once('/').unwrap_or((net, ""));
    let right = match length.parse::<u8>() {
        Ok(length) => json!({"prefix": {"addr": address, "len": length}}),
        Err(_) => json!(address),
    };
    json!({"match": {
        "op": "==",
        "left": {"payload": {"protocol": protocol, "field": field}},
        "right": right,
    }})
}

/// What `iptables-legacy-restore --noflush` takes. Declaring a chain of ours empties it.
fn script(invitation: &Invitation) -> String {
    let Invitation { guest, wanted, leave, ask, .. } = invitation;
    let rules = wanted.iter().map(|rule| {
        let words = rule.replace("ip6 ", "").replace("ip ", "");
        let words = words.replace("saddr", "-s").replace("daddr", "-d");
        format!("-A {guest} {words} -j ACCEPT\n")
    });
    let rules: String = rules.collect();
    let left = format!("-D FORWARD -j {guest}\n").repeat(leave.len());
    let ask = match ask {
        Some(Place::Before(number)) => {
            let gone = leave.iter().filter(|one| *one < number).count();
            let number = number.saturating_sub(gone.try_into().unwrap_or(0));
            format!("-I FORWARD {number} -j {guest}\n")
        }
        Some(Place::Last) => format!("-A FORWARD -j {guest}\n"),
        None => String::new(),
    };
    format!("*filter\n:{guest} - [0:0]\n{rules}{left}{ask}COMMIT\n")
}
