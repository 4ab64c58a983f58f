//! Source translation for an admin's own routes. Pure.
//!
//! tailscaled translates the sources of everything that it forwards, or of nothing. Pods need
//! the latter (`NoSNAT`), and a LAN behind a subnet router the former: its hosts know no way
//! back into the tailnet. So a table of ours does it for the admin's routes alone.

use std::hash::{DefaultHasher, Hash, Hasher};

use ipnet::IpNet;
use linux::nftables::Table;

use crate::prefs::Prefs;

/// The name of our nftables table.
const TABLE: &str = "moorline-tailscale";

/// The mark that tailscaled gives to what it forwards from the tailnet, and its mask
/// (`util/linuxfw/linuxfw.go:36`).
const FROM_TAILNET: &str = "meta mark & 0xff0000 == 0x40000";

/// Whose sources are translated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snat {
    /// The admin's routes.
    routes: Vec<IpNet>,
    /// Our pod CIDRs, which keep their sources even inside those.
    except: Vec<IpNet>,
}

impl Snat {
    /// What is needed while the pods keep their sources; none where tailscaled did not
    /// translate before us, or there are no routes but ours.
    pub(crate) fn needed(before: &Prefs, advertised: &[IpNet], ours: &[IpNet]) -> Option<Self> {
        let translates = !before.is_on("NoSNAT") && *before.value("NetfilterMode") != 0;
        let routes: Vec<IpNet> =
            advertised.iter().filter(|route| !ours.contains(route)).copied().collect();
        let needed = translates && !routes.is_empty();
        needed.then(|| Snat { routes, except: ours.to_vec() })
    }

    /// The table that does it.
    pub(crate) fn table() -> Table {
        Table::inet(TABLE)
    }

    /// The name of the chain, which tells what is in it: a table whose chain has this name
    /// need not be written again.
    pub(crate) fn chain(&self) -> String {
        let mut digest = DefaultHasher::new();
        self.rules().hash(&mut digest);
        format!("postrouting-{:016x}", digest.finish())
    }

    /// What the table holds.
    pub(crate) fn body(&self) -> String {
        let chain = self.chain();
        let rules = self.rules();
        format!("  chain {chain} {{\n    type nat hook postrouting priority srcnat;\n{rules}  }}")
    }

    fn rules(&self) -> String {
        let mut rules = String::new();
        for (word, is_v6) in [("ip", false), ("ip6", true)] {
            let of_family = |nets: &[IpNet]| -> Vec<String> {
                let nets = nets.iter().filter(|net| is_v6 == net.addr().is_ipv6());
                nets.map(ToString::to_string).collect()
            };
            for (nets, verdict) in [(&self.except, "accept"), (&self.routes, "masquerade")] {
                for net in of_family(nets) {
                    rules += &format!("    {FROM_TAILNET} {word} daddr {net} {verdict}\n");
                }
            }
        }
        rules
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn nets(text: &[&str]) -> Vec<IpNet> {
        text.iter().map(|net| net.parse().unwrap()).collect()
    }

    fn router() -> Prefs {
        Prefs::default().with("NoSNAT", json!(false)).with("NetfilterMode", json!(2))
    }

    #[test]
    fn an_admins_routes_keep_their_translation() {
        let advertised = nets(&["192.168.7.0/24", "fd00:7::/64", "10.42.1.0/24"]);
        let snat = Snat::needed(&router(), &advertised, &nets(&["10.42.1.0/24"])).unwrap();
        let from_tailnet = "    meta mark & 0xff0000 == 0x40000";
        assert_eq!(
            snat.rules(),
            format!(
                "{from_tailnet} ip daddr 10.42.1.0/24 accept\n\
                 {from_tailnet} ip daddr 192.168.7.0/24 masquerade\n\
                 {from_tailnet} ip6 daddr fd00:7::/64 masquerade\n"
            )
        );
        let other = Snat::needed(&router(), &nets(&["192.168.8.0/24"]), &[]).unwrap();
        assert_ne!(snat.chain(), other.chain());
    }

    #[test]
    fn nothing_is_translated_that_was_not_before() {
        let lan = nets(&["192.168.7.0/24"]);
        let ours = nets(&["10.42.1.0/24"]);
        assert_eq!(Snat::needed(&router(), &ours, &ours), None);
        assert_eq!(Snat::needed(&router().with("NoSNAT", json!(true)), &lan, &ours), None);
        assert_eq!(Snat::needed(&router().with("NetfilterMode", json!(0)), &lan, &ours), None);
    }
}
