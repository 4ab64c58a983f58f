//! Kernel settings under `/proc/sys`, of the network namespace of the calling thread.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::{Cannot, Error, Result};
use crate::family::Family;

/// The value of a setting, without white space at its ends. The key is dotted, as in
/// `net.ipv4.ip_forward`; with slashes where a part holds a dot, as in
/// `net/ipv4/conf/eth0.100/rp_filter`.
pub fn read(key: &str) -> Result<String> {
    let text = fs::read_to_string(path(key)).cannot(|| format!("read the sysctl {key}"))?;
    Ok(text.trim().to_owned())
}

/// Sets a value, where it is not so already. Returns whether it was written.
pub fn write(key: &str, value: &str) -> Result<bool> {
    if read(key)? == value {
        return Ok(false);
    }
    tracing::debug!(key, value, "sysctl");
    fs::write(path(key), value).cannot(|| format!("set the sysctl {key} to {value}"))?;
    Ok(true)
}

/// Whether packets are forwarded.
pub fn forwarding(family: Family) -> Result<bool> {
    Ok(read(forwarding_key(family))? != "0")
}

/// Turns forwarding on. Returns whether it was off.
pub fn enable_forwarding(family: Family) -> Result<bool> {
    if forwarding(family)? { Ok(false) } else { write(forwarding_key(family), "1") }
}

/// The interfaces that have settings of their own, without `all` and `default`.
pub fn interfaces() -> Result<Vec<String>> {
    let what = || "list the interfaces under /proc/sys/net".to_owned();
    let mut names = Vec::new();
    for entry in fs::read_dir("/proc/sys/net/ipv4/conf").cannot(what)? {
        names.extend(entry.cannot(what)?.file_name().into_string());
    }
    names.retain(|name| name != "all" && name != "default");
    names.sort();
    Ok(names)
}

/// The setting that [`forwarding`] reads.
pub const fn forwarding_key(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "net.ipv4.ip_forward",
        Family::Ipv6 => "net.ipv6.conf.all.forwarding",
    }
}

/// How the kernel treats IPv4 packets whose source it would not answer by the interface
/// that they came in by (`ip-sysctl.rst`, `rp_filter`). There is no such filter for IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReversePathFilter {
    /// Takes all.
    Off,
    /// Drops those that would be answered by another interface.
    Strict,
    /// Drops those that would not be answered at all.
    Loose,
}

/// The filter in force on an interface: the greater of its own value and that of `all`.
pub fn reverse_path_filter(interface: &str) -> Result<ReversePathFilter> {
    let own = read_filter(interface)?;
    Ok(own.max(read_filter("all")?))
}

fn read_filter(interface: &str) -> Result<ReversePathFilter> {
    let key = format!("net/ipv4/conf/{interface}/rp_filter");
    match read(&key)?.as_str() {
        "0" => Ok(ReversePathFilter::Off),
        "1" => Ok(ReversePathFilter::Strict),
        "2" => Ok(ReversePathFilter::Loose),
        other => Err(Error::InTheWay {
            what: format!("read the sysctl {key}"),
            why: format!("it is `{other}`, and only 0, 1 and 2 are known"),
        }),
    }
}

fn path(key: &str) -> PathBuf {
    let key = if key.contains('/') { key.to_owned() } else { key.replace('.', "/") };
    PathBuf::from("/proc/sys").join(key.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_path() {
        assert_eq!(path("net.ipv4.ip_forward").to_str(), Some("/proc/sys/net/ipv4/ip_forward"));
        assert_eq!(
            path("net/ipv4/conf/eth0.100/rp_filter").to_str(),
            Some("/proc/sys/net/ipv4/conf/eth0.100/rp_filter")
        );
    }

    #[test]
    fn an_error_names_the_key() {
        let error = read("net.ipv4.no_such_thing").unwrap_err().to_string();
        assert!(error.starts_with("cannot read the sysctl net.ipv4.no_such_thing: "), "{error}");
    }
}
