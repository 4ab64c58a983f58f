//! One key, and when it ends: as far as `/proc/keys` tells (`security/keys/proc.c`).

use std::time::Duration;

use serde::{Serialize, Serializer};

/// One key of ours. Never its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Entry {
    /// Its name, as in `keyring:NAME`.
    pub name: String,
    /// When it ends, if no reboot comes first.
    #[serde(rename = "expires_in_seconds", serialize_with = "seconds")]
    pub expires: Expiry,
}

/// When a key ends, if no reboot comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expiry {
    /// It has.
    Expired,
    /// Not before this is over. The kernel rounds down, to weeks at most.
    In(Duration),
    /// Never.
    Never,
    /// This machine does not tell.
    Unknown,
}

/// When the key of this serial number ends, according to `/proc/keys`. Pure.
pub(super) fn expiry(keys: &str, serial: i32) -> Expiry {
    let serial = format!("{serial:08x}");
    let mut rows = keys.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|cells| cells.first() == Some(&serial.as_str()));
    row.and_then(|cells| cells.get(3).and_then(|cell| read(cell))).unwrap_or(Expiry::Unknown)
}

fn read(cell: &str) -> Option<Expiry> {
    match cell {
        "perm" => return Some(Expiry::Never),
        "expd" => return Some(Expiry::Expired),
        _ => {}
    }
    let (number, unit) = cell.split_at_checked(cell.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86400,
        "w" => 7 * 86400,
        _ => return None,
    };
    let number: u64 = number.parse().ok()?;
    Some(Expiry::In(Duration::from_secs(number * seconds)))
}

/// Seconds; null for a key that does not expire, or of which that is not known.
fn seconds<S: Serializer>(expiry: &Expiry, to: S) -> Result<S::Ok, S::Error> {
    match expiry {
        Expiry::Expired => to.serialize_some(&0),
        Expiry::In(time) => to.serialize_some(&time.as_secs()),
        Expiry::Never | Expiry::Unknown => to.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a kernel 6.18 told it.
    const KEYS: &str = "\
03dcc983 I------     1 perm 1f030000     0     0 keyring   .persistent_register: 1
386a6198 I------     1   2d 1f030000     0 65534 keyring   _persistent.0: empty
0a1b2c3d I--Q---     1  12w 3f010000     0     0 user      moorline:/var/lib/moorline:key: 5
1a1b2c3d I--Q---     1 expd 3f010000     0     0 user      moorline:/var/lib/moorline:old: 5
";

    #[test]
    fn each_way_to_end_is_read() {
        let days = |days: u64| Expiry::In(Duration::from_secs(days * 86400));
        assert_eq!(expiry(KEYS, 0x03dc_c983), Expiry::Never);
        assert_eq!(expiry(KEYS, 0x386a_6198), days(2));
        assert_eq!(expiry(KEYS, 0x0a1b_2c3d), days(84));
        assert_eq!(expiry(KEYS, 0x1a1b_2c3d), Expiry::Expired);
        assert_eq!(expiry(KEYS, 7), Expiry::Unknown);
    }
}
