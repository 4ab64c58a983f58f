//! A chain of ours in tables of others.
//!
//! A packet that one table accepts still goes through every other, and a drop is final: so no
//! table of ours lets anything pass that the chain of somebody else drops. What helps is a rule
//! in that chain. Ours stands where the chain drops whatever none of its rules decided: an
//! answer to a default, and never to somebody's decision.

mod house;
mod legacy;
mod rules;

use ipnet::IpNet;
use serde_json::Value;

use super::ruleset::objects;
use super::{BaseChain, Chain, ChainRule, Program, nft};
use crate::error::Result;
use house::House;

/// The families of tables that see routed packets.
const FAMILIES: [&str; 3] = ["ip", "ip6", "inet"];

/// A chain of ours that lets forwarded packets from and to these networks pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// Its name, in every table where it is.
    pub chain: String,
    /// The networks.
    pub accepts: Vec<IpNet>,
}

/// A chain that drops by default, without asking the guest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The chain. Those of `iptables-legacy` have that command in place of the family.
    pub chain: Chain,
    script: String,
    by: By,
}

/// What takes the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Nft,
    Legacy(Program),
}

impl Guest {
    /// The chains that drop by default, and do not ask the guest, or one that is not as it
    /// should be. A table that its owner keeps to itself (`flags owner`) is left alone.
    pub async fn closed(&self) -> Result<Vec<Closed>> {
        let chains = chains().await?;
        let mut closed = Vec::new();
        for base in chains.iter().filter_map(forwarding) {
            let guest = Chain { name: self.chain.clone(), ..base.chain() };
            let there = chains.iter().any(|one| chain(one).as_ref() == Some(&guest));
            let house = House {
                drops_by_policy: base.policy == "drop",
                rules: rules_of(&base.chain()).await?,
                guest: if there { Some(rules_of(&guest).await?) } else { None },
                chain: base.chain(),
            };
            let Some(invitation) = house.invitation(self) else { continue };
            let one = Closed { script: invitation.script(), chain: invitation.chain, by: By::Nft };
            if may_enter(&one).await {
                closed.push(one);
            }
        }
        closed.extend(legacy::closed(self).await?);
        Ok(closed)
    }

    /// Makes that chain ask the guest.
    pub async fn enter(&self, closed: &Closed) -> Result<()> {
        let what = || format!("let pods' packets pass the nftables chain {}", closed.chain);
        match closed.by {
            By::Nft => nft(&["-f", "-"], &closed.script, what).await.map(drop),
            By::Legacy(restore) => legacy::write(restore, &closed.script, what).await,
        }
    }

    /// Takes the guest out of every table. Returns the chains that asked it.
    pub async fn remove(&self) -> Result<Vec<Chain>> {
        let chains = chains().await?;
        let ours = chains.iter().filter_map(chain).filter(|chain| chain.name == self.chain);
        let mut asked = Vec::new();
        for guest in ours {
            let in_table =
                |chain: &Chain| (&chain.family, &chain.table) == (&guest.family, &guest.table);
            let mut script = String::new();
            for base in chains.iter().filter_map(forwarding).filter(|base| in_table(&base.chain()))
            {
                let leave = house::jumps(&rules_of(&base.chain()).await?, &self.chain);
                asked.extend((!leave.is_empty()).then(|| base.chain()));
                script += &house::deletions(&base.chain(), &leave);
            }
            script += &format!("flush chain {guest}\ndelete chain {guest}\n");
            let what = || format!("delete the nftables chain {guest}");
            nft(&["-f", "-"], &script, what).await?;
        }
        asked.extend(legacy::remove(&self.chain).await?);
        Ok(asked)
    }
}

/// Whether the kernel would take it.
async fn may_enter(closed: &Closed) -> bool {
    let what = || format!("add a rule to the nftables chain {}", closed.chain);
    let tried = nft(&["-c", "-f", "-"], &closed.script, what).await;
    tried.inspect_err(|error| tracing::warn!(%error, "a firewall keeps to itself")).is_ok()
}

/// The chains of all tables, without their rules.
async fn chains() -> Result<Vec<Value>> {
    let listed = super::list(&["chains"]).await?;
    Ok(objects(&listed, "chain").collect())
}

async fn rules_of(chain: &Chain) -> Result<Vec<ChainRule>> {
    let Chain { family, table, name } = chain;
    let listed = super::list(&["chain", family, table, name]).await?;
    Ok(objects(&listed, "rule").collect())
}

fn chain(listed: &Value) -> Option<Chain> {
    serde::Deserialize::deserialize(listed).ok()
}

/// The chain, where forwarded packets pass it.
fn forwarding(listed: &Value) -> Option<BaseChain> {
    let base: BaseChain = serde::Deserialize::deserialize(listed).ok()?;
    (base.hook == "forward" && FAMILIES.contains(&base.family.as_str())).then_some(base)
}

#[cfg(test)]
mod tests;
