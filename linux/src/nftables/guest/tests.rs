use std::io::Write;
use std::process::{Command, Stdio};

use super::*;
use crate::testing::{self, Host};

fn guest() -> Guest {
    let accepts = ["10.42.1.0/24", "2001:cafe:42:1::/64"].map(|net| net.parse().unwrap());
    Guest { chain: "MOORLINE-FORWARD".to_owned(), accepts: accepts.into() }
}

/// Enters wherever it is due; the chains where that was.
fn enter(host: &Host, guest: &Guest) -> Vec<String> {
    host.block_on(async || {
        let closed = guest.closed().await.unwrap();
        for one in &closed {
            guest.enter(one).await.unwrap();
        }
        closed.iter().map(|one| one.chain.to_string()).collect()
    })
}

const NOTHING: [&str; 0] = [];

/// Docker, as 28 leaves `iptables-nft -S FORWARD`.
const DOCKER: &str = "for tables in iptables-nft ip6tables-nft; do
    $tables -N DOCKER-USER; $tables -N DOCKER-FORWARD
    $tables -A DOCKER-FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
    $tables -A FORWARD -j DOCKER-USER; $tables -A FORWARD -j DOCKER-FORWARD
    $tables -P FORWARD DROP
  done";

/// firewalld, as 1.3 leaves `nft list chain inet firewalld filter_FORWARD`.
const FIREWALLD: &str = "nft -f - <<END
    table inet firewalld {
      chain filter_FORWARD_ZONES { }
      chain filter_FORWARD {
        type filter hook forward priority filter + 10; policy accept;
        ct state { established, related } accept
        ct status dnat accept
        iifname \"lo\" accept
        ct state { invalid } drop
        jump filter_FORWARD_ZONES
        reject with icmpx type admin-prohibited
      }
    }
END";

#[test]
fn the_guest_is_asked_before_a_policy_drops_and_the_table_stays_iptables() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.sh(DOCKER);
    assert_eq!(enter(&host, &guest()), ["ip filter FORWARD", "ip6 filter FORWARD"]);
    assert_eq!(enter(&host, &guest()), NOTHING);
    assert_eq!(
        host.sh("iptables-nft -S FORWARD; iptables-nft -S MOORLINE-FORWARD
                 ip6tables-nft -S MOORLINE-FORWARD"),
        "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n-A FORWARD -j DOCKER-FORWARD\n\
         -A FORWARD -j MOORLINE-FORWARD\n-N MOORLINE-FORWARD\n\
         -A MOORLINE-FORWARD -s 10.42.1.0/24 -j ACCEPT\n\
         -A MOORLINE-FORWARD -d 10.42.1.0/24 -j ACCEPT\n-N MOORLINE-FORWARD\n\
         -A MOORLINE-FORWARD -s 2001:cafe:42:1::/64 -j ACCEPT\n\
         -A MOORLINE-FORWARD -d 2001:cafe:42:1::/64 -j ACCEPT\n"
    );
    host.sh("iptables-nft-save | iptables-nft-restore; ip6tables-nft-save | ip6tables-nft-restore");
    assert_eq!(enter(&host, &guest()), NOTHING, "iptables-restore wrote what it had saved");
}

#[test]
fn the_guest_is_asked_before_a_rule_for_everything_rejects() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.sh(FIREWALLD);
    host.sh("iptables-nft -A FORWARD -j REJECT --reject-with icmp-host-prohibited");
    let closed = ["inet firewalld filter_FORWARD", "ip filter FORWARD"];
    assert_eq!(enter(&host, &guest()), closed);
    assert_eq!(enter(&host, &guest()), NOTHING);
    let rules = host.sh("iptables-nft -S FORWARD | cut -d' ' -f4; \
                         nft -s list chain inet firewalld filter_FORWARD | tail -4");
    let [first, second, .., jump, reject, _, _] = rules.lines().collect::<Vec<_>>()[..] else {
        panic!("{rules}")
    };
    assert_eq!([first, second], ["", "MOORLINE-FORWARD"], "{rules}");
    assert!(jump.ends_with("jump MOORLINE-FORWARD"), "{rules}");
    assert!(reject.contains("reject with icmpx"), "{rules}");
}

#[test]
fn whatever_somebody_changes_is_seen() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.sh(DOCKER);
    enter(&host, &guest());
    for lines in [
        "iptables-nft -D FORWARD -j MOORLINE-FORWARD",
        "iptables-nft -D MOORLINE-FORWARD -s 10.42.1.0/24 -j ACCEPT",
        "iptables-nft -I MOORLINE-FORWARD -j RETURN",
        "iptables-nft -F",
        "iptables-nft -I FORWARD -j DROP",
        "iptables-nft -R MOORLINE-FORWARD 2 -d 10.0.0.0/8 -j ACCEPT",
    ] {
        host.sh(lines);
        assert_eq!(enter(&host, &guest()), ["ip filter FORWARD"], "after `{lines}`");
        assert_eq!(enter(&host, &guest()), NOTHING, "after `{lines}`");
    }
    let guest = Guest { accepts: vec!["10.42.2.0/24".parse().unwrap()], ..guest() };
    assert_eq!(enter(&host, &guest), ["ip filter FORWARD"], "another pod CIDR");
}

#[test]
fn nobody_who_lets_packets_pass_or_decides_about_them_is_written_to() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.sh("iptables-nft -P INPUT DROP; iptables-nft -A FORWARD -s 10.42.0.0/16 -j DROP
             iptables-nft -A FORWARD -j LOG
             ip6tables-nft -P FORWARD DROP; ip6tables-nft -A FORWARD -j ACCEPT
             nft add table bridge b
             nft 'add chain bridge b f { type filter hook forward priority 0; policy drop; }'");
    let before = host.sh("nft -s list ruleset");
    assert_eq!(enter(&host, &guest()), NOTHING);
    assert_eq!(host.sh("nft -s list ruleset"), before);
}

#[test]
fn the_guest_leaves_nothing() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.sh(DOCKER);
    host.sh(FIREWALLD);
    let before = host.sh("nft -s list ruleset");
    enter(&host, &guest());
    // What it was asked for may be gone by then.
    host.sh("iptables-nft -P FORWARD ACCEPT");
    let asked = host.block_on(async || guest().remove().await.unwrap());
    host.sh("iptables-nft -P FORWARD DROP");
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert_eq!(host.sh("nft -s list ruleset"), before);
    assert!(host.block_on(async || guest().remove().await.unwrap()).is_empty());
}

#[test]
fn a_table_that_its_owner_keeps_to_itself_is_left_alone() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    // The table goes with the process that owns it.
    let mut owner = Command::new("nft");
    owner.arg("-i").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut owner = host.run(|| owner.spawn()).unwrap().unwrap();
    let table = "add table inet firewalld { flags owner; }\n\
                 add chain inet firewalld own { type filter hook forward priority 10; policy drop; }\n";
    owner.stdin.as_mut().unwrap().write_all(table.as_bytes()).unwrap();
    host.sh("for turn in $(seq 100); do
               nft list chain inet firewalld own >/dev/null 2>&1 && exit; sleep 0.05
             done; exit 1");
    host.sh(DOCKER);
    assert_eq!(enter(&host, &guest()), ["ip filter FORWARD", "ip6 filter FORWARD"]);
    assert_eq!(enter(&host, &guest()), NOTHING);
    owner.kill().unwrap();
    owner.wait().unwrap();
}

#[test]
fn the_guest_is_asked_in_tables_that_nftables_does_not_see() {
    if !testing::is_root() {
        return;
    }
    let host = Host::new();
    host.sh(&DOCKER.replace("-nft", "-legacy"));
    let rules = || host.sh("iptables-legacy -S; ip6tables-legacy -S");
    let before = rules();
    let closed = ["iptables-legacy filter FORWARD", "ip6tables-legacy filter FORWARD"];
    assert_eq!(enter(&host, &guest()), closed);
    assert_eq!(enter(&host, &guest()), NOTHING);
    let lines = "-A FORWARD -j DOCKER-FORWARD\n-A FORWARD -j MOORLINE-FORWARD\n";
    assert_eq!(rules().matches(lines).count(), 2, "{}", rules());

    for lines in [
        "iptables-legacy -D FORWARD -j MOORLINE-FORWARD",
        "iptables-legacy -F",
        "iptables-legacy -I MOORLINE-FORWARD -j RETURN",
        "iptables-legacy -I FORWARD -j REJECT",
        "iptables-legacy -R MOORLINE-FORWARD 2 -d 10.0.0.0/8 -j ACCEPT",
    ] {
        host.sh(lines);
        assert_eq!(enter(&host, &guest()), [closed[0]], "after `{lines}`");
        assert_eq!(enter(&host, &guest()), NOTHING, "after `{lines}`: {}", rules());
    }
    host.sh("iptables-legacy -F");
    host.sh(&DOCKER.replace("-nft", "-legacy").replace("$tables -N", "true"));
    host.sh("ip6tables-legacy -F FORWARD; ip6tables-legacy -A FORWARD -j DOCKER-USER
             ip6tables-legacy -A FORWARD -j DOCKER-FORWARD
             ip6tables-legacy -D DOCKER-FORWARD 1");
    enter(&host, &guest());
    let asked = host.block_on(async || guest().remove().await.unwrap());
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(rules(), before);
    assert_eq!(host.sh("nft list ruleset"), "", "nothing of it is in nftables");
}
