//! Spans of time, for people.

use std::time::Duration;

use jiff::Timestamp;

/// `<1 ms`, `340 ms`, `1.2 s`, `42 s`, `3 min 20 s`, `2 h 5 min`, `12 d`.
pub(in crate::cli) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 if span.as_millis() == 0 => "<1 ms".to_owned(),
        0 => format!("{} ms", span.as_millis()),
        1..10 => format!("{:.1} s", span.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => format!("{} d", seconds / 86400),
    }
}

/// A point in time, to the second.
pub(in crate::cli) fn stamp(at: Timestamp) -> String {
    format!("{at:.0}")
}

/// How long ago something was; `just now` for the present and the near future.
pub(in crate::cli) fn age(at: Timestamp, now: Timestamp) -> String {
    match Duration::try_from(now.duration_since(at)) {
        Ok(age) if age.as_secs() > 0 => {
            let whole = Duration::from_secs(age.as_secs());
            format!(
                "{} ago",
                if age.as_secs() < 10 { format!("{} s", age.as_secs()) } else { span(whole) }
            )
        }
        Ok(_) | Err(_) => "just now".to_owned(),
    }
}

fn two(large: u64, unit: &str, small: u64, smaller: &str) -> String {
    match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {smaller}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (millis, text) in [
            (0, "<1 ms"),
            (340, "340 ms"),
            (1_240, "1.2 s"),
            (42_900, "42 s"),
            (200_000, "3 min 20 s"),
            (7_500_000, "2 h 5 min"),
            (7_200_000, "2 h"),
            (1_100_000_000, "12 d"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn ages() {
        let at = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).expect("a time");
        assert_eq!(age(at(0), at(4)), "4 s ago");
        assert_eq!(age(at(0), at(61)), "1 min 1 s ago");
        assert_eq!(age(at(0), at(0)), "just now");
        assert_eq!(age(at(5), at(0)), "just now");
    }
}
