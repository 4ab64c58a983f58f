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
    ],
};
