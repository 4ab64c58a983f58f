//! What somebody takes from this machine's kernel, or sets otherwise there.

use super::Row;

/// Routes, rules, firewalls, settings, links and addresses.
pub const KERNEL: &[Row] = &[
    Row::repaired(
        "a route to a peer's pods removed",
        "ip route delete 10.42.2.0/24 table 52",
        "ip route show table 52 | grep -q '^10.42.2.0/24 '",
    ),
    Row::repaired(
        "an IPv6 route to a peer's pods removed",
        "ip -6 route delete 2001:cafe:42:2::/64 table 52",
        "ip -6 route show table 52 | grep -q '^2001:cafe:42:2::/64 '",
    ),
    Row::repaired(
        "the route to a peer removed",
        "ip route delete 100.64.0.2 table 52",
        "ip route show table 52 | grep -q '^100.64.0.2 '",
    ),
    Row::repaired(
        "all routes to peers removed",
        "ip route flush table 52; ip -6 route flush table 52",
        "test $(ip route show table 52 | grep -c -e '^10.42.2.0/24 ' -e '^100.64.0.2 ') = 2 &&
         ip -6 route show table 52 | grep -q '^2001:cafe:42:2::/64 '",
    ),
    Row::repaired(
        "the VPN's ip rules removed",
        "for it in 5210 5230 5250 5270; do ip rule delete pref $it; done",
        "test $(ip rule show | grep -c -e ^5210: -e ^5230: -e ^5250: -e ^5270:) = 4",
    ),
    Row::repaired(
        "Moorline's ip rule removed",
        "ip rule delete pref 5170 to 10.42.1.0/24",
        "ip rule show pref 5170 | grep -q 'to 10.42.1.0/24 lookup main'",
    )
    .ours(),
    Row::repaired(
        "Moorline's rule number taken by another program",
        "while ip rule delete pref 5170 2>&-; do :; done
         ip rule add pref 5170 to 10.42.1.0/24 lookup 52",
        "ip rule show | grep -qE '^51(69|70):.* to 10.42.1.0/24 lookup main' &&
         ip route get 10.42.1.10 | grep -q 'dev moorline0'",
    )
    .ours(),
    Row::repaired(
        "Moorline's nftables table removed",
        "nft delete table inet moorline",
        "nft list table inet moorline | grep -q masquerade",
    )
    .ours(),
    Row::repaired(
        "a rule in Moorline's nftables table removed",
        "nft flush chain inet moorline postrouting",
        "nft list table inet moorline | grep -q masquerade",
    )
    .ours(),
    Row::repaired(
        "nft flush ruleset",
        "nft flush ruleset",
        "nft list table inet moorline | grep -q masquerade &&
         nft list chain ip filter FORWARD | grep -q 'jump ts-forward'",
    )
    .elsewhere("nft list chain ip filter FORWARD | grep -q 'jump ts-forward'"),
    Row::repaired(
        "a firewall that drops by default is loaded",
        "printf 'flush ruleset\ntable inet guard { chain forward { type filter hook forward \
         priority filter; policy drop; }; }\n' | nft -f -",
        "nft list table inet moorline | grep -q masquerade &&
         { ! nft list table inet guard || nft list chain inet guard forward | grep -qi moorline; }",
    )
    .ours(),
    Row::repaired(
        "forwarding switched off",
        "sysctl -qw net.ipv4.ip_forward=0",
        "test $(sysctl -n net.ipv4.ip_forward) = 1",
    ),
    Row::repaired(
        "IPv6 forwarding switched off",
        "sysctl -qw net.ipv6.conf.all.forwarding=0",
        "test $(sysctl -n net.ipv6.conf.all.forwarding) = 1",
    ),
    Row::repaired(
        "strict reverse path filtering switched on",
        "sysctl -qw net.ipv4.conf.all.rp_filter=1",
        "test $(sysctl -n net.ipv4.conf.all.rp_filter) = 0 || {
             test $(sysctl -n net.ipv4.conf.moorline0.rp_filter) = 2 &&
             test $(sysctl -n net.ipv4.conf.tailscale0.rp_filter) = 2; }",
    )
    .ours(),
    Row::repaired(
        "the canary removed",
        "ip link delete moorline-canary",
        "ip link show moorline-canary && ping -n -c 1 -W 0.1 10.42.1.2",
    )
    .ours(),
    Row::repaired(
        "the VPN's address removed",
        "ip address delete 100.64.0.1/32 dev tailscale0",
        "ip address show dev tailscale0 | grep -q 'inet 100.64.0.1/32' &&
         test $(ip route show table 52 | grep -c -e '^10.42.2.0/24 ' -e '^100.64.0.2 ') = 2",
    ),
    Row::repaired(
        "the VPN's IPv6 address removed",
        "ip address flush dev tailscale0 scope global to fd7a:115c:a1e0::/48",
        "ip address show dev tailscale0 | grep -q 'inet6 fd7a:115c:a1e0::'",
    ),
    Row::repaired(
        "the pod bridge removed",
        "ip link delete moorline0",
        "ip address show dev moorline0 | grep -q 'inet 10.42.1.1/24' &&
         ip link show moorline-canary",
    )
    .ours()
    .cuts(),
];
