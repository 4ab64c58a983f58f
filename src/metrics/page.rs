//! The text exposition format, version 0.0.4.

use std::fmt::Write;

/// The most series of one metric whose labels come from elsewhere.
pub(super) const MOST: usize = 64;
/// Stands for all others.
const OTHERS: &str = "(others)";

/// What kind of number it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// A sum and a count.
    Summary,
}

/// A page of metrics.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

/// One metric of a page.
pub(super) struct Metric<'a> {
    text: &'a mut String,
    name: &'static str,
}

impl Page {
    /// The next metric; `help` is one line.
    pub(super) fn metric(
        &mut self,
        name: &'static str,
        kind: Kind,
        help: &'static str,
    ) -> Metric<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        };
        self.text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        Metric { text: &mut self.text, name }
    }

    /// The whole of it.
    pub(super) fn text(self) -> String {
        self.text
    }
}

impl Metric<'_> {
    /// One series, told apart from the others by its labels.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: f64) -> &mut Self {
        self.line("", labels, value)
    }

    /// One part of a summary.
    pub(super) fn part(&mut self, suffix: &str, value: f64) -> &mut Self {
        self.line(suffix, &[], value)
    }

    /// One series for each row, as far as there is room; the rest as one.
    pub(super) fn bounded<const N: usize>(
        &mut self,
        labels: [&str; N],
        rows: impl IntoIterator<Item = ([String; N], f64)>,
    ) {
        let mut others = None;
        for (index, (values, value)) in rows.into_iter().enumerate() {
            if index < MOST {
                let pairs: Vec<_> =
                    labels.into_iter().zip(values.iter().map(String::as_str)).collect();
                self.sample(&pairs, value);
            } else {
                *others.get_or_insert(0.0) += value;
            }
        }
        if let Some(value) = others {
            self.sample(&labels.map(|label| (label, OTHERS)), value);
        }
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) -> &mut Self {
        let pairs = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        let pairs = pairs.collect::<Vec<_>>().join(",");
        let braces = if pairs.is_empty() { String::new() } else { format!("{{{pairs}}}") };
        // Nothing can be wrong with writing to a text.
        let _ = writeln!(self.text, "{}{suffix}{braces} {value}", self.name);
        self
    }
}

/// A label's value, as the format wants it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_metric_has_its_help_its_kind_and_its_series() {
        let mut page = Page::default();
        page.metric("a_total", Kind::Counter, "How many.").sample(&[], 3.0);
        page.metric("b", Kind::Gauge, "How much.").sample(&[("x", "1"), ("y", "2")], 0.25);
        page.metric("c", Kind::Summary, "How long.").part("_sum", 1.5).part("_count", 2.0);
        let expected = "\
# HELP a_total How many.
# TYPE a_total counter
a_total 3
# HELP b How much.
# TYPE b gauge
b{x=\"1\",y=\"2\"} 0.25
# HELP c How long.
# TYPE c summary
c_sum 1.5
c_count 2
";
        assert_eq!(page.text(), expected);
    }

    #[test]
    fn what_has_no_room_is_one_series() {
        let mut page = Page::default();
        let rows = (0..MOST + 3).map(|row| ([format!("code-{row:03}")], 2.0));
        page.metric("a", Kind::Gauge, "Findings.").bounded(["code"], rows);
        let text = page.text();
        assert_eq!(text.lines().filter(|line| line.starts_with("a{")).count(), MOST + 1);
        assert!(text.ends_with("a{code=\"(others)\"} 6\n"), "{text}");
    }

    /// What a reader of the format makes of a value.
    fn read(value: &str) -> String {
        let mut out = String::new();
        let mut chars = value.chars();
        while let Some(c) = chars.next() {
            out.push(match c {
                '\\' => match chars.next() {
                    Some('n') => '\n',
                    Some(other) => other,
                    None => panic!("a lone backslash"),
                },
                '"' | '\n' => panic!("a value that ends early"),
                other => other,
            });
        }
        out
    }

    proptest! {
        #[test]
        fn every_label_reads_back(value in any::<String>()) {
            prop_assert_eq!(read(&escaped(&value)), value);
        }
    }
}
