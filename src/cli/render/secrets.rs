//! The keys in the keyring, as text.

use super::{table, time};
use crate::secrets::{Entry, Expiry};

/// Their names, and when they end.
pub(in crate::cli) fn text(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "no keys; `moorline secret set NAME` puts one there\n".to_owned();
    }
    let rows = entries.iter().map(|entry| [entry.name.clone(), ends(entry.expires)]);
    table::text(["NAME", "ENDS"], rows.collect()).trim_start().to_owned()
}

fn ends(expires: Expiry) -> String {
    match expires {
        Expiry::Expired => "has expired".to_owned(),
        Expiry::In(left) => format!("in {}, or with the next reboot", time::span(left)),
        Expiry::Never => "with the next reboot".to_owned(),
        Expiry::Unknown => "with the next reboot at the latest".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn names_and_ends_are_told() {
        let entry = |name: &str, expires| Entry { name: name.to_owned(), expires };
        let day = Duration::from_secs(86400);
        let entries = [entry("api-key", Expiry::Never), entry("join-key", Expiry::In(2 * day))];
        let expected = "\
NAME      ENDS
api-key   with the next reboot
join-key  in 2 d, or with the next reboot
";
        assert_eq!(text(&entries), expected);
        assert!(text(&[]).contains("moorline secret set"));
    }
}
