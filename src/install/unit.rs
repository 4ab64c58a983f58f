//! The text of `moorline.service`. Pure.

use std::path::Path;

use super::credential::Credential;
use super::hardening;

/// The name of the unit.
pub const UNIT: &str = "moorline.service";

/// The first line, by which a unit of ours is known.
pub(super) const MARK: &str = "# Written by `moorline install`.";

/// Who must find the node's address when they start.
const KUBERNETES: [&str; 7] = [
    "k3s.service",
    "k3s-agent.service",
    "rke2-server.service",
    "rke2-agent.service",
    "k0scontroller.service",
    "k0sworker.service",
    "kubelet.service",
];

/// Who empties the packet filter when they start.
const FIREWALLS: [&str; 4] =
    ["firewalld.service", "nftables.service", "netfilter-persistent.service", "ufw.service"];

/// What is told to the service manager.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    /// The program.
    pub program: &'a Path,
    /// The config file, where it is not the usual one.
    pub config: Option<&'a Path>,
    /// The folder of what is kept.
    pub state: &'a Path,
    /// The VPN's daemon, where it is a service of its own.
    pub daemon: Option<&'a str>,
    /// What the service manager hands to the service.
    pub credentials: &'a [Credential],
}

impl Unit<'_> {
    /// The text of the file.
    pub(super) fn text(&self) -> String {
        let sections = [self.head(), self.ordering(), self.service(), install()];
        sections.map(|lines| lines.join("\n")).join("\n\n") + "\n"
    }

    fn head(&self) -> Vec<String> {
        let drop_in =
            format!("# Put changes into a drop-in, which outlives it: systemctl edit {UNIT}");
        vec![MARK.to_owned(), drop_in]
    }

    fn ordering(&self) -> Vec<String> {
        let after: Vec<_> =
            ["network.target"].into_iter().chain(self.daemon).chain(FIREWALLS).collect();
        vec![
            "[Unit]".to_owned(),
            "Description=Moorline, which keeps this node connected to its cluster".to_owned(),
            "Documentation=man:moorline(1)".to_owned(),
            format!("After={}", after.join(" ")),
            format!("Before={}", KUBERNETES.join(" ")),
            format!("RequiresMountsFor={}", quoted(&self.state.display().to_string())),
            "# It is needed as long as the machine runs, however often it failed.".to_owned(),
            "StartLimitIntervalSec=0".to_owned(),
        ]
    }

    fn service(&self) -> Vec<String> {
        let mut lines = vec![
            "[Service]".to_owned(),
            "# Started is joined: with an address in the VPN, before there is a pod CIDR."
                .to_owned(),
            "Type=notify".to_owned(),
            "NotifyAccess=main".to_owned(),
            format!("ExecStart={}", self.command()),
            "# Kubernetes waits so long for the VPN, and then starts without it.".to_owned(),
            "TimeoutStartSec=3min".to_owned(),
            "TimeoutStopSec=5s".to_owned(),
            "WatchdogSec=30s".to_owned(),
            "Restart=always".to_owned(),
            "RestartSec=1s".to_owned(),
            "# Wrong settings stay wrong until somebody changes them.".to_owned(),
            "RestartPreventExitStatus=2".to_owned(),
            "# What carries packets lives on.".to_owned(),
            "KillMode=process".to_owned(),
            "OOMPolicy=continue".to_owned(),
            "OOMScoreAdjust=-900".to_owned(),
        ];
        lines.extend(self.credentials.iter().map(Credential::line));
        lines.push(String::new());
        lines
            .push("# No option here may make a mount namespace: the canary is pinned below".into());
        lines
            .push("# /run, where everybody must see it, and where it outlives the service.".into());
        lines.extend(hardening::lines());
        lines
    }

    fn command(&self) -> String {
        let mut words = vec![self.program.display().to_string(), "run".to_owned()];
        if let Some(config) = self.config {
            words.extend(["--config".to_owned(), config.display().to_string()]);
        }
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

fn install() -> Vec<String> {
    ["[Install]", "WantedBy=multi-user.target"].map(str::to_owned).to_vec()
}

/// A word as systemd reads it back (systemd.service(5), "Command lines"; systemd.syntax(7)).
pub(super) fn quoted(word: &str) -> String {
    let word = word.replace('%', "%%").replace('$', "$$");
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_.,:+-@=%$".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word;
    }
    let escaped = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_ascii_control() => format!("\\x{:02x}", u32::from(c)),
        c => c.to_string(),
    };
    format!("\"{}\"", word.chars().map(escaped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit() -> Unit<'static> {
        Unit {
            program: Path::new("/usr/local/bin/moorline"),
            config: None,
            state: Path::new("/var/lib/moorline"),
            daemon: Some("tailscaled.service"),
            credentials: &[],
        }
    }

    fn value<'a>(text: &'a str, key: &str) -> &'a str {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        lines.next().unwrap_or_else(|| panic!("no {key} in {text}"))
    }

    #[test]
    fn the_guide_shows_the_unit() {
        let guide = include_str!("../../docs/guides/service.md");
        assert!(guide.contains(&format!("```ini\n{}```", unit().text())), "{}", unit().text());
    }

    #[test]
    fn a_service_has_these_capabilities_and_no_more() {
        let expected = "CAP_CHOWN CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_ADMIN";
        assert_eq!(value(&unit().text(), "CapabilityBoundingSet"), expected);
    }

    /// systemd.exec(5): each of these, and more as systemd goes on, gives a service a mount
    /// namespace of its own. What is pinned there is seen by nobody else.
    #[test]
    fn nothing_gives_the_service_a_mount_namespace() {
        const MAKERS: [&str; 9] = [
            "Bind",
            "Inaccessible",
            "Mount",
            "Private",
            "ProcSubset",
            "ReadOnly",
            "ReadWrite",
            "Root",
            "TemporaryFileSystem",
        ];
        const PROTECTORS: [&str; 7] =
            ["ControlGroups", "Home", "Hostname", "Kernel", "Proc", "Subset", "System"];
        let text = unit().text();
        for line in text.lines() {
            assert!(!MAKERS.iter().any(|maker| line.starts_with(maker)), "{line}");
            let protects = line.strip_prefix("Protect").unwrap_or_default();
            assert!(!PROTECTORS.iter().any(|what| protects.starts_with(what)), "{line}");
        }
    }

    #[test]
    fn other_places_are_told_so_that_systemd_reads_them_as_they_are() {
        let place = Path::new("/opt/my $100% \"x\"/config.toml");
        let unit = Unit { config: Some(place), daemon: None, ..unit() };
        let text = unit.text();
        assert_eq!(
            value(&text, "ExecStart"),
            r#"/usr/local/bin/moorline run --config "/opt/my $$100%% \"x\"/config.toml""#
        );
        assert!(value(&text, "After").starts_with("network.target firewalld.service"));
    }

    #[test]
    fn words_that_need_no_quotes_have_none() {
        assert_eq!(quoted("/var/lib/moorline"), "/var/lib/moorline");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("a\nb"), "\"a\\x0ab\"");
    }
}
