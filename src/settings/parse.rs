//! Single values: from text, with an error that names the place.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use provider_api::{Error, RouteMode};

use super::extra_args;
use super::origin::Origin;
use crate::stage::Stage;

/// The one text of a word that takes no list.
pub(super) fn single<'a>(texts: &'a [String], origin: &Origin) -> Result<&'a str, Error> {
    match texts {
        [text] if text.trim().is_empty() => Err(origin
            .error("empty-value", "the value is empty")
            .fix("give it one, or leave it out")),
        [text] => Ok(text),
        _ => Err(origin.error("one-value", "one value is wanted here").fix("keep one of them")),
    }
}

/// `true` or `false`.
pub(super) fn answer(text: &str, origin: &Origin) -> Result<bool, Error> {
    text.parse().map_err(|_| {
        let what = format!("`{text}` is neither true nor false");
        origin.error("answer", what).fix("write true or false")
    })
}

/// A span of time such as `90s` or `2m`, longer than nothing.
pub fn duration(text: &str, origin: &Origin) -> Result<Duration, Error> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    let duration = parsed.and_then(|signed| Duration::try_from(signed).ok());
    duration.filter(|duration| !duration.is_zero()).ok_or_else(|| {
        let what = format!("`{text}` is no span of time");
        origin.error("duration", what).fix("write a number with its unit, as in 90s or 2m")
    })
}

/// A program with its arguments, cut as a shell would; `none` for none. Services are started
/// with different paths to search, so the program is told with its own.
pub(super) fn command(text: &str, origin: &Origin) -> Result<Vec<String>, Error> {
    let words = extra_args::split(text).unwrap_or_default();
    match words.first().map(String::as_str) {
        Some("none") if words.len() == 1 => Ok(Vec::new()),
        Some(program) if program.starts_with('/') => Ok(words),
        Some(_) | None => {
            let what = format!("`{text}` is no program with its path");
            let fix = "write it from the root, as in `/sbin/rc-service NAME restart`, or none";
            Err(origin.error("restart-command", what).fix(fix))
        }
    }
}

/// An address and port that only this machine can reach.
pub(super) fn loopback(text: &str, origin: &Origin) -> Result<SocketAddr, Error> {
    const FIX: &str = "write a loopback address and a port, as in 127.0.0.1:9753";
    let address: SocketAddr = text.parse().map_err(|_| {
        origin.error("metrics-address", format!("`{text}` is no address with a port")).fix(FIX)
    })?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    let what = format!("{address} can be reached by others, and metrics name every peer");
    Err(origin.error("metrics-address", what).fix(FIX))
}

/// `routed` or `underlay`.
pub(super) fn mode(text: &str, origin: &Origin) -> Result<RouteMode, Error> {
    match text {
        "routed" => Ok(RouteMode::Routed),
        "underlay" => Ok(RouteMode::Underlay),
        _ => Err(origin
            .error("mode", format!("no mode is called `{text}`"))
            .fix("known: routed, underlay")),
    }
}

/// `joined`, `served`, `proven`, or `none` for not waiting.
pub(super) fn wait(text: &str, origin: &Origin) -> Result<Option<Stage>, Error> {
    match text {
        "none" => Ok(None),
        "joined" => Ok(Some(Stage::Joined)),
        "served" => Ok(Some(Stage::Served)),
        "proven" => Ok(Some(Stage::Proven)),
        _ => Err(origin
            .error("wait", format!("no stage is called `{text}`"))
            .fix("known: none, joined, served, proven")),
    }
}

/// A directory, from the root.
pub(super) fn directory(text: &str, origin: &Origin) -> Result<PathBuf, Error> {
    let path = PathBuf::from(text);
    match path.is_absolute() {
        true => Ok(path),
        false => Err(origin
            .error("directory", format!("`{text}` is no absolute path"))
            .fix(format!("write the path from the root, as in /var/lib/{text}"))),
    }
}

/// A name for an interface: `IFNAMSIZ` leaves 15 bytes, and the kernel refuses `/`, `:` and
/// whitespace (`dev_valid_name` in net/core/dev.c).
pub(super) fn interface(text: &str, origin: &Origin) -> Result<String, Error> {
    let plain = text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '/' | ':' | '%'));
    if plain && text.len() <= 15 && !matches!(text, "." | "..") {
        return Ok(text.to_owned());
    }
    let what = format!("`{text}` cannot be the name of an interface");
    let fix = "at most 15 characters, without blanks, `/`, `:` and `%`, as in moorline0";
    Err(origin.error("interface-name", what).fix(fix))
}

/// A node's name: labels of a DNS name, as Kubernetes wants them.
pub(super) fn node_name(text: &str, origin: &Origin) -> Result<String, Error> {
    let label = |label: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        (1..=63).contains(&label.len())
            && label.chars().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() <= 253 && text.split('.').all(label) {
        return Ok(text.to_owned());
    }
    let what = format!("`{text}` cannot be a node's name");
    let fix = "lower-case letters, digits, `-` and `.`, as in node-1.example.com";
    Err(origin.error("node-name", what).fix(fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: Origin = Origin::Default;

    #[test]
    fn spans_of_time() {
        for (text, seconds) in [("90s", 90), ("2m", 120), ("1m30s", 90), ("1h", 3600)] {
            assert_eq!(duration(text, &ORIGIN).expect(text), Duration::from_secs(seconds));
        }
        for text in ["", "90", "0s", "-1s", "soon", "99999999999999999999h"] {
            assert_eq!(duration(text, &ORIGIN).expect_err(text).code, "duration");
        }
    }

    #[test]
    fn names_that_the_kernel_and_kubernetes_take() {
        for name in ["moorline0", "br-lan", "a.b"] {
            assert!(interface(name, &ORIGIN).is_ok(), "{name}");
        }
        for name in ["a/b", "a b", "..", "a-name-that-is-long", "a:b"] {
            assert!(interface(name, &ORIGIN).is_err(), "{name}");
        }
        for name in ["node-1", "node-1.example.com", "1"] {
            assert!(node_name(name, &ORIGIN).is_ok(), "{name}");
        }
        for name in ["Node", "a..b", "-a", "a_b", ""] {
            assert!(node_name(name, &ORIGIN).is_err(), "{name}");
        }
    }

    #[test]
    fn metrics_stay_on_this_machine() {
        for good in ["127.0.0.1:9753", "127.8.8.8:1", "[::1]:9753"] {
            assert!(loopback(good, &ORIGIN).is_ok(), "{good}");
        }
        for bad in ["0.0.0.0:9753", "[::]:9753", "100.64.0.1:9753", "127.0.0.1", "9753", "lo:1"] {
            assert_eq!(loopback(bad, &ORIGIN).expect_err(bad).code, "metrics-address");
        }
    }

    #[test]
    fn unknown_words_list_the_known() {
        let error = mode("route", &Origin::Flag("--mode".into())).expect_err("no such mode");
        assert_eq!(error.what, "flag --mode: no mode is called `route`");
        assert_eq!(error.fix.as_deref(), Some("known: routed, underlay"));
        assert!(wait("ready", &ORIGIN).is_err());
        assert_eq!(wait("none", &ORIGIN), Ok(None));
    }
}
