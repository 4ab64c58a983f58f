//! The canary: made, adopted, moved and removed.

use moorline::proof::Canary;

use crate::hosts::{Host, Pair, is_root};

#[test]
fn nothing_is_left_behind() {
    if !is_root() {
        return;
    }
    let pair = Pair::joined();
    pair.there.sh("nft add table inet t; nft add chain inet t c '{ type filter hook forward priority 0; policy drop; }'");
    pair.verdict();
    assert_eq!(pair.here.sh("nft list tables"), "");
    let again = pair.here.block_on(async || pair.here.canary().ensure().await.unwrap());
    assert_eq!(again, []);
    pair.here.block_on(async || pair.here.canary().remove().await.unwrap());
    let links = pair.here.sh("ip -o link show | cut -d: -f2");
    assert!(!links.contains("moorline"), "{links}");
    assert!(!pair.here.canary_path().exists());
    let nothing = pair.here.block_on(async || pair.here.canary().remove().await.unwrap());
    assert_eq!(nothing, []);
}

#[test]
fn a_changed_pod_cidr_takes_the_place_of_the_old_one() {
    if !is_root() {
        return;
    }
    let host = Host::new(1);
    host.block_on(async || host.canary().ensure().await.unwrap());
    let moved = Canary { pod_cidrs: Host::new(9).pod_cidrs(), ..host.canary() };
    host.block_on(async || moved.ensure().await.unwrap());
    let addresses = host.sh("ip -o addr show dev moorline0");
    assert!(addresses.contains("10.42.9.1/24") && !addresses.contains("10.42.1.1"), "{addresses}");
    host.sh("ping -c1 -W1 10.42.9.2; ping -c1 -W1 2001:cafe:42:9::2");
}

#[test]
fn a_bridge_that_has_the_pods_is_adopted() {
    if !is_root() {
        return;
    }
    let host = Host::new(1);
    host.sh("ip link add cni0 type bridge; ip link set cni0 mtu 1400 up
             ip addr add 10.42.1.1/24 dev cni0");
    let plan = host.block_on(async || host.canary().plan().await.unwrap());
    let done = host.block_on(async || host.canary().ensure().await.unwrap());
    assert_eq!(plan, done);
    assert!(!plan.iter().any(|change| change.subject.contains("moorline0")), "{plan:#?}");
    assert!(host.sh("ip link show cni0").contains("mtu 1400"));
    host.sh("ping -c1 -W1 10.42.1.2; ping -c1 -W1 2001:cafe:42:1::2");
    host.block_on(async || host.canary().remove().await.unwrap());
    host.sh("ip link show cni0");
}

#[test]
fn a_pod_at_the_canarys_address_is_not_pushed_aside() {
    if !is_root() {
        return;
    }
    let host = Host::new(1);
    let pod = Host::new(7);
    host.sh(&format!(
        "ip link add cni0 type bridge; ip link set cni0 up; ip addr add 10.42.1.1/24 dev cni0
         ip link add pod type veth peer name eth0 netns {}
         ip link set pod master cni0 up",
        pod.namespace.path().display()
    ));
    pod.sh("ip addr add 10.42.1.2/24 dev eth0; ip link set eth0 up");
    let error = host.block_on(async || host.canary().ensure().await.unwrap_err());
    assert!(error.to_string().contains("somebody on the bridge answers there"), "{error}");
}
