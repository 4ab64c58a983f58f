//! Policy routing rules. Ours carry a protocol number of our own, so that they are found
//! again after a crash, and nobody else's are touched.

use std::fmt;
use std::net::IpAddr;

use futures_util::TryStreamExt;
use ipnet::IpNet;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::RouteProtocol;
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleMessage};
use rtnetlink::IpVersion;
use serde::{Deserialize, Serialize};

use crate::error::{Cannot, Result};
use crate::family::Family;
use crate::netlink::{Netlink, of_family};

/// `FRA_PROTOCOL` of our rules. The kernel and the routing daemons of
/// `/etc/iproute2/rt_protos` have other numbers.
pub const PROTOCOL: u8 = 77;

/// A rule of ours: packets from and to these prefixes look into `table`. Needs at least one
/// of the two prefixes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// Lower comes first.
    pub priority: u32,
    /// Where packets come from; none for anywhere.
    pub from: Option<IpNet>,
    /// Where packets go; none for anywhere.
    pub to: Option<IpNet>,
    /// The table to look into.
    pub table: u32,
}

/// A rule that is there, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRule {
    /// What it says, as far as we can say it too. The table is 0 where it does something
    /// else than looking into one.
    pub rule: Rule,
    /// The family that it is for.
    pub family: Family,
    /// The packet mark and mask that it asks for.
    pub mark: Option<(u32, u32)>,
    /// Whether it carries our [`PROTOCOL`].
    pub ours: bool,
}

impl Rule {
    /// Packets to `to` look into `table`.
    pub fn to(priority: u32, to: IpNet, table: u32) -> Self {
        Rule { priority, from: None, to: Some(to), table }
    }

    fn family(&self) -> Family {
        self.to.or(self.from).map_or(Family::Ipv4, Family::from)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:", self.priority)?;
        if let Some(from) = self.from {
            write!(out, " from {from}")?;
        }
        if let Some(to) = self.to {
            write!(out, " to {to}")?;
        }
        write!(out, " lookup {}", self.table)
    }
}

impl Netlink {
    /// Every rule, both families, in the order of their priorities.
    pub async fn rules(&self) -> Result<Vec<ListedRule>> {
        let messages = self.rule_messages().await?;
        let mut rules: Vec<_> = messages.iter().map(listed).collect();
        rules.sort_by_key(|listed| (listed.family, listed.rule.priority));
        Ok(rules)
    }

    /// Makes sure that this rule of ours is there. Returns whether it was written.
    pub async fn ensure_rule(&self, rule: &Rule) -> Result<bool> {
        let there = self.rules().await?;
        if there.iter().any(|listed| listed.ours && listed.rule == *rule) {
            return Ok(false);
        }
        self.add_rule(rule).await?;
        Ok(true)
    }

    /// Makes our rules with priorities in `priorities` exactly these: adds what is missing
    /// first, then removes what is too many. Returns whether anything was written.
    pub async fn set_rules(
        &self,
        priorities: std::ops::RangeInclusive<u32>,
        want: &[Rule],
    ) -> Result<bool> {
        let mut written = false;
        for rule in want {
            written |= self.ensure_rule(rule).await?;
        }
        for message in self.rule_messages().await? {
            let listed = listed(&message);
            let ours = listed.ours && priorities.contains(&listed.rule.priority);
            if ours && !want.contains(&listed.rule) {
                self.delete_rule(message, &listed.rule).await?;
                written = true;
            }
        }
        Ok(written)
    }

    /// Removes this rule of ours; nothing where it is not there, or is somebody else's.
    pub async fn remove_rule(&self, rule: &Rule) -> Result<bool> {
        let mut written = false;
        for message in self.rule_messages().await? {
            let listed = listed(&message);
            if listed.ours && listed.rule == *rule {
                self.delete_rule(message, rule).await?;
                written = true;
            }
        }
        Ok(written)
    }

    async fn add_rule(&self, rule: &Rule) -> Result<()> {
        let mut add = self.handle.rule().add();
        *add.message_mut() = message(rule);
        tracing::debug!(%rule, "add rule");
        add.execute().await.cannot(|| format!("add the ip rule `{rule}`"))
    }

    async fn delete_rule(&self, message: RuleMessage, rule: &Rule) -> Result<()> {
        tracing::debug!(%rule, "delete rule");
        let delete = self.handle.rule().del(message).execute();
        delete.await.cannot(|| format!("delete the ip rule `{rule}`"))
    }

    async fn rule_messages(&self) -> Result<Vec<RuleMessage>> {
        let mut messages: Vec<RuleMessage> = Vec::new();
        for version in [IpVersion::V4, IpVersion::V6] {
            let found = self.handle.rule().get(version).execute().try_collect().await;
            messages.extend(of_family(found).cannot(|| "list the ip rules".to_owned())?);
        }
        Ok(messages)
    }
}

fn message(rule: &Rule) -> RuleMessage {
    let mut message = RuleMessage::default();
    message.header.family = match rule.family() {
        Family::Ipv4 => AddressFamily::Inet,
        Family::Ipv6 => AddressFamily::Inet6,
    };
    message.header.action = RuleAction::ToTable;
    message.attributes = vec![
        RuleAttribute::Priority(rule.priority),
        RuleAttribute::Table(rule.table),
        RuleAttribute::Protocol(RouteProtocol::Other(PROTOCOL)),
    ];
    if let Some(from) = rule.from {
        message.header.src_len = from.prefix_len();
        message.attributes.push(RuleAttribute::Source(from.network()));
    }
    if let Some(to) = rule.to {
        message.header.dst_len = to.prefix_len();
        message.attributes.push(RuleAttribute::Destination(to.network()));
    }
    message
}

fn listed(message: &RuleMessage) -> ListedRule {
    let header = &message.header;
    let family = if header.family == AddressFamily::Inet6 { Family::Ipv6 } else { Family::Ipv4 };
    let table = if header.action == RuleAction::ToTable { header.table.into() } else { 0 };
    let rule = Rule { priority: 0, from: None, to: None, table };
    let mut listed = ListedRule { rule, family, mark: None, ours: false };
    for attribute in &message.attributes {
        take(&mut listed, attribute, (header.src_len, header.dst_len));
    }
    listed
}

fn take(listed: &mut ListedRule, attribute: &RuleAttribute, lengths: (u8, u8)) {
    let prefix = |address: &IpAddr, length| IpNet::new(*address, length).ok();
    if let RuleAttribute::Priority(priority) = attribute {
        listed.rule.priority = *priority;
    } else if let RuleAttribute::Table(table) = attribute {
        listed.rule.table = *table;
    } else if let RuleAttribute::Source(address) = attribute {
        listed.rule.from = prefix(address, lengths.0);
    } else if let RuleAttribute::Destination(address) = attribute {
        listed.rule.to = prefix(address, lengths.1);
    } else if let RuleAttribute::FwMark(mark) = attribute {
        listed.mark = Some((*mark, listed.mark.map_or(u32::MAX, |(_, mask)| mask)));
    } else if let RuleAttribute::FwMask(mask) = attribute {
        listed.mark = Some((listed.mark.map_or(0, |(mark, _)| mark), *mask));
    } else if let RuleAttribute::Protocol(protocol) = attribute {
        listed.ours = u8::from(*protocol) == PROTOCOL;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Host};

    fn rule(to: &str) -> Rule {
        Rule::to(5200, to.parse().unwrap(), 254)
    }

    #[test]
    fn only_our_rules_are_found_and_removed() {
        if !testing::is_root() {
            return;
        }
        let host = Host::new();
        host.sh("ip rule add pref 5200 to 10.42.1.0/24 lookup main
                 ip rule add pref 5210 fwmark 0x80000/0xff0000 lookup main");
        host.block_on(async || {
            let netlink = Netlink::open().unwrap();
            let (four, six) = (rule("10.42.1.0/24"), rule("2001:cafe:42:1::/64"));
            let from = Rule { from: four.to, to: None, ..four.clone() };
            for rule in [&four, &six, &from] {
                assert!(netlink.ensure_rule(rule).await.unwrap());
                assert!(!netlink.ensure_rule(rule).await.unwrap());
            }
            let rules = netlink.rules().await.unwrap();
            assert_eq!(rules.iter().filter(|listed| listed.ours).count(), 3);
            assert!(rules.iter().any(|listed| listed.mark == Some((0x80000, 0xff_0000))));

            assert!(netlink.set_rules(5200..=5209, std::slice::from_ref(&six)).await.unwrap());
            assert!(!netlink.set_rules(5200..=5209, std::slice::from_ref(&six)).await.unwrap());
            assert!(netlink.remove_rule(&six).await.unwrap());
            assert!(!netlink.remove_rule(&four).await.unwrap());
        });
        assert_eq!(
            host.sh("ip rule list pref 5200"),
            "5200:\tfrom all to 10.42.1.0/24 lookup main\n"
        );
    }
}
