//! CIDRs: each on its own, and all of them together.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use provider_api::Error;

use super::origin::{Origin, Sourced};
use crate::cidr::overlap;
use crate::proof::gateway_address;

/// Reads a list of CIDRs.
///
/// # Errors
/// What is no CIDR, host bits, everything at once, and two that overlap.
pub(super) fn read(texts: &[String], origin: &Origin) -> Result<Vec<IpNet>, Error> {
    let cidrs = texts.iter().map(|text| cidr(text, origin)).collect::<Result<Vec<_>, _>>()?;
    apart(&cidrs, origin)?;
    Ok(cidrs)
}

/// Each pod CIDR must have room for the gateway, the canary and pods.
///
/// # Errors
/// `pod-cidr-too-small`, naming the first.
pub(super) fn roomy(pods: &Sourced<Vec<IpNet>>) -> Result<(), Error> {
    let reserve = |pod: &IpNet| match gateway_address(*pod) {
        Ok(_) => Ok(()),
        Err(cause) => Err(pods
            .origin
            .error("pod-cidr-too-small", cause)
            .fix("give a larger one, such as a /24, or a /64 of IPv6")),
    };
    pods.value.iter().try_for_each(reserve)
}

/// Each pod CIDR must lie inside a cluster CIDR of its family.
///
/// # Errors
/// `pod-cidr-outside-cluster`, naming both.
pub(super) fn inside(
    pods: &Sourced<Vec<IpNet>>,
    clusters: &Sourced<Vec<IpNet>>,
) -> Result<(), Error> {
    let outside = |pod: &&IpNet| !clusters.value.iter().any(|cluster| cluster.contains(*pod));
    match pods.value.iter().find(outside) {
        Some(pod) => Err(outside_error(*pod, &pods.origin, clusters)),
        None => Ok(()),
    }
}

fn cidr(text: &str, origin: &Origin) -> Result<IpNet, Error> {
    let text = text.trim();
    let cidr: IpNet = text.parse().map_err(|_| not_a_cidr(text, origin))?;
    if cidr.prefix_len() == 0 {
        let what = format!("`{text}` is every address there is");
        return Err(origin.error("cidr", what).fix("write a smaller one, as in 10.42.3.0/24"));
    }
    if cidr.addr() != cidr.network() {
        let what = format!("`{text}` has host bits; `{}` was meant", cidr.trunc());
        return Err(origin.error("cidr-host-bits", what).fix(format!("write {}", cidr.trunc())));
    }
    Ok(cidr)
}

fn not_a_cidr(text: &str, origin: &Origin) -> Error {
    let error = origin.error("cidr", format!("`{text}` is no CIDR"));
    match text.parse::<std::net::IpAddr>() {
        Ok(address) => {
            error.fix(format!("add the prefix length, as in {address}/{}", usual(address)))
        }
        Err(_) => error.fix("write an address and a prefix length, as in 10.42.3.0/24"),
    }
}

/// The share of a node that Kubernetes would give, by family.
fn usual(address: std::net::IpAddr) -> u8 {
    if address.is_ipv4() { 24 } else { 64 }
}

fn apart(cidrs: &[IpNet], origin: &Origin) -> Result<(), Error> {
    for (index, one) in cidrs.iter().enumerate() {
        let Some(other) = cidrs[..index].iter().find(|other| overlap(one, other)) else {
            continue;
        };
        return Err(match one == other {
            true => origin.error("cidr-doubled", format!("{one} is given twice")),
            false => origin.error("cidr-overlap", format!("{other} and {one} overlap")),
        }
        .fix("keep one of the two"));
    }
    Ok(())
}

fn outside_error(pod: IpNet, origin: &Origin, clusters: &Sourced<Vec<IpNet>>) -> Error {
    const CODE: &str = "pod-cidr-outside-cluster";
    let same_family = |cluster: &&IpNet| cluster.addr().is_ipv4() == pod.addr().is_ipv4();
    let family: Vec<_> = clusters.value.iter().filter(same_family).map(IpNet::to_string).collect();
    if family.is_empty() {
        let (name, example) = example(pod);
        let what = format!(
            "pod CIDR {pod} has no {name} cluster CIDR to lie in ({clusters})",
            clusters = said(clusters)
        );
        let all = clusters.value.iter().map(IpNet::to_string).chain([example]);
        return origin.error(CODE, what).fix(flags(all));
    }
    let what = format!(
        "pod CIDR {pod} is outside the cluster CIDR {} ({})",
        family.join(", "),
        clusters.origin
    );
    origin
        .error(CODE, what)
        .fix("give a pod CIDR inside it, or the cluster's own CIDR with --cluster-cidr")
}

fn said(clusters: &Sourced<Vec<IpNet>>) -> String {
    let all: Vec<_> = clusters.value.iter().map(IpNet::to_string).collect();
    format!("cluster CIDR {}, {}", all.join(", "), clusters.origin)
}

fn flags(cidrs: impl Iterator<Item = String>) -> String {
    cidrs.map(|cidr| format!("--cluster-cidr {cidr}")).collect::<Vec<_>>().join(" ")
}

/// A family's name, and a wider CIDR around a node's share: 8 bits of nodes.
fn example(pod: IpNet) -> (&'static str, String) {
    let wider = pod.prefix_len().saturating_sub(8).max(1);
    match pod {
        IpNet::V4(pod) => {
            let cluster = Ipv4Net::new(pod.addr(), wider).map(|net| net.trunc().to_string());
            ("IPv4", cluster.unwrap_or_default())
        }
        IpNet::V6(pod) => {
            let cluster = Ipv6Net::new(pod.addr(), wider).map(|net| net.trunc().to_string());
            ("IPv6", cluster.unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(texts: &[&str]) -> Result<Vec<IpNet>, Error> {
        let texts: Vec<_> = texts.iter().map(|text| (*text).to_owned()).collect();
        read(&texts, &Origin::Flag("--pod-cidr".into()))
    }

    fn outside(pods: &[&str], clusters: &[&str]) -> Option<Error> {
        let pods = Sourced::new(list(pods).expect("pods"), Origin::Flag("--pod-cidr".into()));
        inside(&pods, &Sourced::default(list(clusters).expect("clusters"))).err()
    }

    #[test]
    fn host_bits_say_what_was_meant() {
        let error = list(&["10.42.3.7/24"]).expect_err("host bits");
        assert_eq!(
            error.what,
            "flag --pod-cidr: `10.42.3.7/24` has host bits; `10.42.3.0/24` was meant"
        );
        assert_eq!(
            list(&["10.42.3.0"]).expect_err("no length").fix.as_deref(),
            Some("add the prefix length, as in 10.42.3.0/24")
        );
        for bad in ["", "x", "10.42.3.0/33", "::/0", "10.42/16"] {
            assert_eq!(list(&[bad]).expect_err(bad).code, "cidr", "{bad}");
        }
    }

    #[test]
    fn two_cidrs_stand_apart() {
        assert_eq!(
            list(&["10.42.0.0/24", "10.42.0.0/24"]).expect_err("twice").code,
            "cidr-doubled"
        );
        assert_eq!(
            list(&["10.42.0.0/16", "10.42.3.0/24"]).expect_err("overlap").what,
            "flag --pod-cidr: 10.42.0.0/16 and 10.42.3.0/24 overlap"
        );
        assert!(list(&["10.42.0.0/24", "10.42.1.0/24", "2001:cafe:42::/64"]).is_ok());
    }

    #[test]
    fn a_pod_cidr_lies_inside_the_cluster() {
        assert_eq!(outside(&["10.42.3.0/24"], &["10.42.0.0/16"]), None);
        let error = outside(&["10.43.3.0/24"], &["10.42.0.0/16"]).expect("outside");
        assert_eq!(error.code, "pod-cidr-outside-cluster");
        assert_eq!(
            error.what,
            "flag --pod-cidr: pod CIDR 10.43.3.0/24 is outside the cluster CIDR 10.42.0.0/16 (default)"
        );
        assert!(outside(&["10.0.0.0/8"], &["10.42.0.0/16"]).is_some(), "wider than the cluster");
    }

    #[test]
    fn a_pod_cidr_without_room_for_pods_is_named() {
        let said =
            |texts| Sourced::new(list(texts).expect("pods"), Origin::Flag("--pod-cidr".into()));
        assert!(roomy(&said(&["10.42.3.0/29", "2001:cafe:42:3::/64"])).is_ok());
        let error = roomy(&said(&["10.42.3.0/24", "10.42.4.0/30"])).expect_err("too small");
        assert_eq!(error.code, "pod-cidr-too-small");
        assert!(error.what.contains("10.42.4.0/30"), "{error:?}");
    }

    #[test]
    fn a_family_without_a_cluster_cidr_is_said() {
        let error =
            outside(&["10.42.3.0/24", "2001:cafe:42:3::/64"], &["10.42.0.0/16"]).expect("IPv6");
        assert_eq!(
            error.what,
            "flag --pod-cidr: pod CIDR 2001:cafe:42:3::/64 has no IPv6 cluster CIDR to lie in (cluster CIDR 10.42.0.0/16, default)"
        );
        assert_eq!(
            error.fix.as_deref(),
            Some("--cluster-cidr 10.42.0.0/16 --cluster-cidr 2001:cafe:42::/56")
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = list(&[&text]);
        }
    }
}
