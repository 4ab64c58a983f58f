//! What `--dry-run` shows: each setting with its origin.

use super::{findings, table};
use crate::settings::{Row, Settings, rows};

/// The settings and what is worth knowing about them, for people.
pub(in crate::cli) fn text(settings: &Settings) -> String {
    let row = |Row { name, value, origin }| [name, value, origin];
    let rows = rows(settings).into_iter().map(row).collect();
    let table = table::text(["SETTING", "VALUE", "ORIGIN"], rows);
    format!("{}\n{}", table.trim_start(), findings::text(&settings.findings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Layer, Origin, Sources, VpnAuth, Word, example, resolve};
    use anstream::adapter::strip_str;

    const SECRET: &str = "tskey-auth-k1T9X6";

    fn settings() -> Settings {
        let mut flags = Layer::default();
        let text = format!("name=tailscale,joinKey={SECRET},extraArgs=--ssh --accept-dns=false");
        flags.vpn_auth.push(VpnAuth::cut(&text, Origin::Environment("K3S_VPN_AUTH".into())));
        flags.say(Word::PodCidr, ["10.42.3.0/24".to_owned()], Origin::Flag("--pod-cidr".into()));
        let sources = Sources { flags, ..Sources::default() };
        resolve(&sources, &[example::manifest("tailscale")]).expect("settings")
    }

    #[test]
    fn a_dry_run() {
        let text = text(&settings());
        let expected = "\
SETTING        VALUE                     ORIGIN
provider       tailscale                 environment K3S_VPN_AUTH
joinKey        (literal, not shown)      environment K3S_VPN_AUTH
extraArgs      --ssh --accept-dns=false  environment K3S_VPN_AUTH
cluster        default                   default
cluster-cidr   10.42.0.0/16              default
service-cidr   10.43.0.0/16              default
pod-cidr       10.42.3.0/24              flag --pod-cidr
mode           routed                    default
pod-bridge     moorline0                 default
wait           proven                    default
wait-for       2m                        default
join-deadline  1m                        default
move           false                     default
rejoin         false                     default
state-dir      /var/lib/moorline         default
run-dir        /run/moorline             default

warning[literal-key]: environment K3S_VPN_AUTH: `joinKey` holds the secret itself
";
        let text = strip_str(&text).to_string();
        assert!(text.starts_with(expected), "{text}");
        assert!(!text.contains(SECRET), "{text}");
    }

    #[test]
    fn the_same_in_json_says_where() {
        let json = serde_json::to_value(rows(&settings())).expect("JSON");
        assert_eq!(json[6]["origin"], "flag --pod-cidr");
        assert!(!json.to_string().contains(SECRET));
    }
}
