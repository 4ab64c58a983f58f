use crate::{Row, Section};

pub(super) const SECTION: Section = Section {
    title: "Policy text",
    intro: "",
    rows: &[
        Row(
            "policy-without-cidr",
            "exit 2",
            "A policy needs the cluster's CIDRs.",
            "`--cluster-cidr`.",
        ),
        Row(
            "policy-server-unknown",
            "exit 2",
            "No control server has that name.",
            "`tailscale` or `headscale`.",
        ),
        Row("policy-tag-invalid", "exit 2", "A text is no tag.", "`tag:k8s`."),
        Row(
            "policy-user-invalid",
            "exit 2",
            "A text is no user that a policy can name.",
            "`alice@example.com`; at headscale `k8s`.",
        ),
    ],
};
