//! Own nftables tables, replaced whole, and a view of everybody's, by the program `nft`.
//! Acts on the network namespace of the calling thread.

mod generation;
mod guest;
mod ruleset;
mod sealed;
mod trace;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::error::{Cannot, Error, Result};

pub use generation::{Generation, generation};
pub use guest::{Closed, Guest};
pub use ruleset::{BaseChain, Chain, ChainRule, Ruleset};
pub use trace::{Dropped, Tracer};

/// `nft` works on the kernel alone; one that takes longer hangs.
const DEADLINE: Duration = Duration::from_secs(10);
/// What `nft` says of a table that is not there; it speaks no other language.
const NOT_THERE: &str = "No such file or directory";

/// A table, by family and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    /// `inet`, `ip`, `ip6`, `arp`, `bridge` or `netdev`.
    pub family: String,
    /// Its name.
    pub name: String,
}

/// A named counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counter {
    /// How many packets passed it.
    pub packets: u64,
    /// How many bytes they had.
    pub bytes: u64,
}

impl Table {
    /// A table of the family `inet`: both Internet protocols.
    pub fn inet(name: impl Into<String>) -> Self {
        Table { family: "inet".to_owned(), name: name.into() }
    }

    /// Replaces the whole table in one transaction. `body` is what stands between the
    /// braces of `table inet NAME { ... }`. On an error all is as it was.
    pub async fn replace(&self, body: &str) -> Result<()> {
        let text = format!("table {self}\ndelete table {self}\ntable {self} {{\n{body}\n}}\n");
        self.run(&text, "write").await
    }

    /// Deletes the table; nothing where there is none.
    pub async fn delete(&self) -> Result<()> {
        self.run(&format!("table {self}\ndelete table {self}\n"), "delete").await
    }

    /// Deletes the table where it is. Returns whether it was.
    pub async fn remove(&self) -> Result<bool> {
        let was_there = self.listing().await?.is_some();
        if was_there {
            self.delete().await?;
        }
        Ok(was_there)
    }

    /// The addresses in a set of the table; none where there is no such set.
    pub async fn addresses(&self, set: &str) -> Result<BTreeSet<IpAddr>> {
        let listed = self.listing().await?;
        Ok(listed.map(|listed| ruleset::addresses(&listed, set)).unwrap_or_default())
    }

    /// Adds addresses to a set of the table; those that are there stay.
    pub async fn add_addresses(&self, set: &str, addresses: &[IpAddr]) -> Result<()> {
        let elements: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
        let text = format!("add element {self} {set} {{ {} }}\n", elements.join(", "));
        self.run(&text, "add addresses to").await
    }

    /// The named counters of the table, by name; none where there is no table.
    pub async fn counters(&self) -> Result<BTreeMap<String, Counter>> {
        Ok(ruleset::counters(&list(&["counters"]).await?, self))
    }

    /// Everything in the table; none where there is no table.
    async fn listing(&self) -> Result<Option<Value>> {
        match list(&["table", &self.family, &self.name]).await {
            Err(Error::Program { said, .. }) if said.contains(NOT_THERE) => Ok(None),
            listed => listed.map(Some),
        }
    }

    async fn run(&self, text: &str, verb: &str) -> Result<()> {
        nft(&["-f", "-"], text, || format!("{verb} the nftables table {self}")).await.map(drop)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.family, self.name)
    }
}

/// Everything that nftables has, tables of `iptables-nft` too.
pub async fn ruleset() -> Result<Ruleset> {
    Ok(Ruleset::from_json(&list(&["ruleset"]).await?))
}

/// What `nft -j list` prints of this.
async fn list(subject: &[&str]) -> Result<Value> {
    let what = || format!("list the nftables {}", subject.join(" "));
    let listed = nft(&[&["-j", "list"], subject].concat(), "", what).await?;
    serde_json::from_str(&listed).map_err(io::Error::from).cannot(what)
}

/// A program that writes tables, and the Debian package that brings it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Program {
    name: &'static str,
    package: &'static str,
}

const NFT: Program = Program { name: "nft", package: "nftables" };

/// Runs `nft` and returns what it printed.
async fn nft(arguments: &[&str], input: &str, what: impl Fn() -> String) -> Result<String> {
    run(NFT, arguments, input, what).await
}

/// Runs a program and returns what it printed.
async fn run(
    program: Program,
    arguments: &[&str],
    input: &str,
    what: impl Fn() -> String,
) -> Result<String> {
    let child = spawn(program, arguments, Stdio::piped(), &what)?;
    let done = tokio::time::timeout(DEADLINE, talk(child, input)).await;
    let failed = |said: String| Error::Program { what: what(), program: program.name, said };
    let Ok(output) = done else {
        return Err(failed(format!("no end within {} s", DEADLINE.as_secs())));
    };
    let output = output.cannot(&what)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}

fn spawn(
    program: Program,
    arguments: &[&str],
    input: Stdio,
    what: impl Fn() -> String,
) -> Result<Child> {
    // Our environment may hold a secret: the child gets none of it but where programs are.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let child = Command::new(program.name)
        .args(arguments)
        .env_clear()
        .env("PATH", path)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    match child {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let Program { name, package } = program;
            Err(Error::MissingProgram { what: what(), program: name, package })
        }
        other => other.cannot(what),
    }
}

async fn talk(mut child: Child, input: &str) -> io::Result<std::process::Output> {
    if let Some(mut stdin) = child.stdin.take() {
        // A child that ends without reading says why on its standard error.
        drop(stdin.write_all(input.as_bytes()).await);
    }
    child.wait_with_output().await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Host};

    const BODY: &str = "counter pings { }
        chain input { type filter hook input priority -400; policy accept;
            icmp type echo-request counter name pings
        }";

    #[test]
    fn a_table_is_replaced_counted_and_deleted() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        let table = Table::inet("moorline_test");
        host.block_on(async || {
            table.replace("chain old { }").await.unwrap();
            table.replace(BODY).await.unwrap();
        });
        host.sh("ping -c2 -i0.1 -W1 127.0.0.1");
        host.block_on(async || {
            let counters = table.counters().await.unwrap();
            assert_eq!(counters["pings"].packets, 2);
            let ruleset = ruleset().await.unwrap();
            assert_eq!(ruleset.base_chains.len(), 1);
            assert_eq!(ruleset.rules.len(), 1);

            let error = table.replace("chain x { nonsense }").await.unwrap_err();
            let start = "cannot write the nftables table inet moorline_test: `nft`: ";
            assert!(error.to_string().starts_with(start), "{error}");
            assert_eq!(table.counters().await.unwrap()["pings"].packets, 2);

            table.delete().await.unwrap();
            table.delete().await.unwrap();
            assert!(table.counters().await.unwrap().is_empty());
        });
    }
}
