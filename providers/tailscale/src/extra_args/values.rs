//! The values of flags, from text.

use std::net::SocketAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::{Value, json};

/// Why a value is no good; the flag is named by the caller.
pub(super) type Parsed<T> = Result<T, String>;

/// As Go's `strconv.ParseBool` reads it.
pub(super) fn switch(text: &str) -> Parsed<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        other => Err(format!("takes true or false, not `{other}`")),
    }
}

pub(super) fn tags(text: &str) -> Parsed<Value> {
    let tags = entries(text).map(tag).collect::<Parsed<Vec<String>>>()?;
    Ok(if tags.is_empty() { Value::Null } else { json!(tags) })
}

fn tag(text: &str) -> Parsed<String> {
    let name = text.strip_prefix("tag:").unwrap_or(text);
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if good { Ok(format!("tag:{name}")) } else { Err(format!("takes tags, and `{text}` is none")) }
}

/// `NetfilterMode` is a number (`types/preftype/netfiltermode.go:15`).
pub(super) fn netfilter(text: &str) -> Parsed<Value> {
    match text {
        "off" => Ok(json!(0)),
        "nodivert" => Ok(json!(1)),
        "on" => Ok(json!(2)),
        other => Err(format!("takes on, nodivert or off, not `{other}`")),
    }
}

pub(super) fn port(text: &str) -> Parsed<Value> {
    match text {
        "" => Ok(Value::Null),
        text => {
            text.parse::<u16>().map(Value::from).map_err(|_| format!("takes a port, not `{text}`"))
        }
    }
}

pub(super) fn endpoints(text: &str) -> Parsed<Value> {
    let endpoint = |text: &str| -> Parsed<String> {
        let parsed: Result<SocketAddr, _> = text.parse();
        parsed.map(|it| it.to_string()).map_err(|_| format!("takes ADDRESS:PORT, not `{text}`"))
    };
    let all = entries(text).map(endpoint).collect::<Parsed<Vec<String>>>()?;
    Ok(if all.is_empty() { Value::Null } else { json!(all) })
}

/// tailscaled refuses a prefix with host bits, so does this.
pub(super) fn routes(text: &str) -> Parsed<Vec<IpNet>> {
    entries(text).map(route).collect()
}

fn route(text: &str) -> Parsed<IpNet> {
    let net: IpNet = text.parse().map_err(|_| format!("takes prefixes, and `{text}` is none"))?;
    if net.trunc() != net {
        return Err(format!("has host bits in `{text}`; write {}", net.trunc()));
    }
    if net.prefix_len() == 0 {
        return Err(format!("does not take `{text}`; use --advertise-exit-node"));
    }
    Ok(net)
}

/// What an exit node advertises.
pub(super) fn default_routes() -> [IpNet; 2] {
    [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())]
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|entry| !entry.is_empty())
}
