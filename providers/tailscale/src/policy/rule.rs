//! What the policy lets through, in both notations.

use ipnet::IpNet;

/// One thing that the policy lets through.
pub(super) struct Rule {
    why: &'static str,
    from: Vec<String>,
    to: Vec<String>,
    /// A protocol's name or number; none for all.
    protocol: Option<&'static str>,
}

/// What nodes of `subject` and pods in `cidrs` need.
pub(super) fn all(subject: &str, cidrs: &[IpNet]) -> Vec<Rule> {
    let pods = names(cidrs.iter());
    let everybody: Vec<String> = [subject.to_owned()].into_iter().chain(pods.clone()).collect();
    let to_pods = Rule {
        why: "Nodes and pods reach pods. Pods keep their own addresses, so the cluster's CIDRs\n\
              are sources too.",
        from: everybody.clone(),
        to: pods,
        protocol: None,
    };
    let to_nodes = Rule {
        why: "Nodes and pods reach nodes: kubelet, API server, host ports. Narrow it to the\n\
              ports that you use.",
        from: everybody,
        to: vec![subject.to_owned()],
        protocol: None,
    };
    [Some(to_pods), Some(to_nodes), ping(cidrs), ping_v6(cidrs)].into_iter().flatten().collect()
}

fn ping(cidrs: &[IpNet]) -> Option<Rule> {
    let pods = names(cidrs.iter().filter(|cidr| matches!(cidr, IpNet::V4(_))));
    let why = "Moorline's probes: pings from pod to pod. Keep this whatever you narrow.";
    probe(pods, "icmp", why)
}

fn ping_v6(cidrs: &[IpNet]) -> Option<Rule> {
    let pods = names(cidrs.iter().filter(|cidr| matches!(cidr, IpNet::V6(_))));
    probe(pods, "58", "The same over IPv6, whose ICMP is protocol 58.")
}

fn probe(pods: Vec<String>, protocol: &'static str, why: &'static str) -> Option<Rule> {
    let rule = Rule { why, from: pods.clone(), to: pods, protocol: Some(protocol) };
    (!rule.from.is_empty()).then_some(rule)
}

fn names<'a>(cidrs: impl Iterator<Item = &'a IpNet>) -> Vec<String> {
    cidrs.map(ToString::to_string).collect()
}

impl Rule {
    /// As Tailscale's `grants` write it.
    pub(super) fn grant(&self) -> String {
        let ports = self.protocol.map_or("*".to_owned(), |protocol| format!("{protocol}:*"));
        format!(
            "{why}    {{\n      \"src\": [{from}],\n      \"dst\": [{to}],\n      \"ip\": [\"{ports}\"],\n    }},\n",
            why = comment("    ", self.why),
            from = quoted(&self.from, ""),
            to = quoted(&self.to, ""),
        )
    }

    /// As `acls` write it.
    pub(super) fn acl(&self) -> String {
        let protocol = self.protocol.map(|name| format!("      \"proto\": \"{name}\",\n"));
        format!(
            "{why}    {{\n      \"action\": \"accept\",\n{protocol}      \"src\": [{from}],\n      \"dst\": [{to}],\n    }},\n",
            why = comment("    ", self.why),
            protocol = protocol.unwrap_or_default(),
            from = quoted(&self.from, ""),
            to = quoted(&self.to, ":*"),
        )
    }
}

fn quoted(items: &[String], suffix: &str) -> String {
    items.iter().map(|item| format!("\"{item}{suffix}\"")).collect::<Vec<_>>().join(", ")
}

/// The text as comment lines.
pub(super) fn comment(indent: &str, text: &str) -> String {
    text.lines().map(|line| format!("{indent}// {line}\n")).collect()
}
