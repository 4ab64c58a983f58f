use crate::{Row, Section};

pub(super) const SECTION: Section = Section {
    title: "Routes",
    intro: "",
    rows: &[
        Row(
            "route-not-approved",
            "error",
            "A pod CIDR is advertised, and the control server has not approved it: peers send no traffic for it.",
            "Approve it, or add the `autoApprovers` stanza that is printed. `moorline policy print` has it for the whole cluster.",
        ),
        Row(
            "route-hidden",
            "error",
            "A pod CIDR is approved, but the policy lets no peer see it.",
            "Add the printed rules or grants to the policy.",
        ),
        Row(
            "route-withheld",
            "error",
            "Peers do not use a pod CIDR; from here it cannot be told whether it is not approved or hidden.",
            "Both fixes are printed. With `controlAPIKey` Moorline can tell which.",
        ),
        Row(
            "route-served-elsewhere",
            "error",
            "Another node advertises the same pod CIDR and serves it.",
            "Give one of the two another pod CIDR, or delete the other where it is gone for good.",
        ),
        Row(
            "pods-masqueraded",
            "error, warning",
            "Pods' packets leave into the network with another source address: pods elsewhere see the node in place of the pod, and their answers prove no route.",
            "Leave the pod CIDR out of the masquerade on that interface.",
        ),
        Row(
            "pod-cidr-taken",
            "error, exit 5",
            "A peer that is online already serves this node's pod CIDR: two such nodes take each other's traffic.",
            "Another `--pod-cidr`, or `moorline leave` on the other node.",
        ),
        Row(
            "pod-cidr-abandoned",
            "warning",
            "A peer that is offline served this node's pod CIDR. It is taken over; if the other comes back, both claim it.",
            "Delete the old device with the printed command.",
        ),
        Row(
            "node-without-pods",
            "info",
            "Peers that are online have a tag in common with this node and serve no pod CIDR of the cluster: it is not approved, or hidden by policy, or was never given.",
            "`moorline status` there; nothing where they are to have no pods.",
        ),
        Row(
            "namesake-offline",
            "info",
            "A peer that is offline has this node's name, without the number that the control server put after it: it may be the node's old self.",
            "Delete it with the printed command.",
        ),
    ],
};
