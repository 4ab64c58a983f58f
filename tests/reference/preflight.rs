use crate::{Row, Section};

pub(super) const SECTION: Section = Section {
    title: "Before anything is changed",
    intro: "",
    rows: &[
        Row(
            "cidr-overlaps-local-network",
            "error, exit 5",
            "A pod or cluster CIDR overlaps a network that this machine is in: addresses in both can be reached in only one of them.",
            "Another CIDR.",
        ),
        Row(
            "bridge-with-other-pods",
            "warning",
            "A bridge has a network inside the cluster that is not this node's pod CIDR: what is left of an earlier one, perhaps.",
            "Delete the bridge once no pod hangs on it.",
        ),
        Row(
            "cidr-overlaps-vpn-range",
            "error, exit 2",
            "A CIDR overlaps the addresses that the VPN hands out; it drops such packets from any other interface.",
            "A CIDR outside the VPN's range.",
        ),
        Row(
            "service-cidr-overlap",
            "warning, exit 2",
            "The service CIDR overlaps the cluster CIDR: a Service could take a pod's address. A warning where the service CIDR is k3s's default and only a guess.",
            "Give `--service-cidr`.",
        ),
        Row(
            "cidr-inside-foreign-route",
            "warning",
            "A peer serves a route that covers this cluster's CIDRs: what no closer route takes goes there.",
            "A smaller route on that peer.",
        ),
        Row(
            "foreign-in-cluster",
            "warning",
            "A node of another cluster, known by its tags or by the word of its own responder, serves pods inside this cluster's CIDR: sooner or later both clusters give out the same pod CIDR.",
            "A cluster CIDR of its own for each cluster in one network.",
        ),
        Row(
            "forwarding-off",
            "warning",
            "The kernel does not forward the family of the pods. `moorline up` turns it on; a reboot may turn it off.",
            "The printed line for `/etc/sysctl.d`.",
        ),
        Row(
            "rp-filter-strict",
            "warning",
            "Strict reverse-path filtering: a pod's packet is dropped silently when its way back is another interface.",
            "`sysctl -w net.ipv4.conf.all.rp_filter=2` and the same for the interface.",
        ),
        Row(
            "pod-mtu-too-large",
            "warning",
            "Pods send larger packets than the tunnel carries, and nothing clamps TCP: where ICMP is filtered, connections open and then stall.",
            "The printed MTU in the CNI configuration.",
        ),
        Row(
            "marks-clash",
            "warning",
            "Another program uses packet mark bits that the VPN uses: packets are dropped or sent the wrong way.",
            "Other mark bits for that program.",
        ),
        Row(
            "table-clash",
            "warning",
            "An ip rule of somebody else leads to the VPN's routing table.",
            "Another table for its owner.",
        ),
        Row(
            "firewall-unknown",
            "warning",
            "`nft` cannot list or write this machine's firewall: pods do not leave the cluster, and who else marks packets here goes unseen.",
            "`apt install nftables`.",
        ),
        Row(
            "control-url-plain-http",
            "warning, exit 7",
            "The control server is reached by plain http on a public address: after one lost connection tailscaled insists on port 443 and stays offline. So Moorline asks it for no news of this node.",
            "TLS in front of it, or its private address. A node that is offline already: restart tailscaled.",
        ),
        Row(
            "rule-number-clash",
            "warning",
            "An ip rule of somebody else has the preference of one of ours: whichever was made first counts, and who deletes by number deletes both.",
            "Another preference for its owner.",
        ),
        Row(
            "port-taken",
            "warning",
            "Another program listens on the VPN's UDP port: the VPN takes another or none, and a firewall that was opened for this one stays shut. Found by `doctor`.",
            "`ss -lunp` names it; another port for that program.",
        ),
        Row(
            "vpn-range-in-use",
            "warning",
            "This machine's own network has addresses that the VPN hands out, as clouds and providers with carrier-grade NAT do with `100.64.0.0/10`: the VPN drops them from any other interface.",
            "Other addresses for that network, or another range for the VPN.",
        ),
        Row(
            "name-server-cut-off",
            "error",
            "A name server of this machine's lies in the VPN's range and is reached by another interface: the VPN drops its answers. Found by `doctor`.",
            "Another server in `/etc/resolv.conf`.",
        ),
        Row(
            "vpn-names-in-pods",
            "warning",
            "This machine asks the VPN's name server, and kubelet hands that and the search domains on to pods: names can be answered by the wrong one. Found by `doctor`.",
            "`--resolv-conf` of kubelet, or the VPN without DNS on this machine.",
        ),
        Row(
            "firewall-in-two-places",
            "info",
            "Rules are in nftables and in iptables-legacy: a packet must pass both, and neither's listing shows the other's. Found by `doctor`.",
            "Move the rules to one of the two.",
        ),
        Row(
            "kernel-lacks",
            "error",
            "The kernel cannot make what the network or its pods need: tried in a network namespace of its own. Found by `doctor`.",
            "The printed `modprobe`.",
        ),
        Row(
            "tunnel-in-tunnel",
            "warning",
            "A tunnel of the CNI's inside the VPN sends more than the VPN carries: packets are cut in two or lost.",
            "The printed MTU for the CNI, or `--mode routed`.",
        ),
    ],
};
