//! Measured values of one kind.

use std::time::Duration;

/// Values of one kind, in the order in which they were measured.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Takes a time in, as seconds.
    pub fn add(&mut self, time: Duration) {
        self.0.push(time.as_secs_f64());
    }

    /// The middle one; the mean of both where there are two. Not a number where there is none.
    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            even if even % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
            _ => sorted[middle],
        }
    }

    /// The least and the greatest.
    pub fn spread(&self) -> (f64, f64) {
        let sorted = self.sorted();
        let end = |value: Option<&f64>| value.copied().unwrap_or(f64::NAN);
        (end(sorted.first()), end(sorted.last()))
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[u64]) -> Samples {
        let mut samples = Samples::default();
        values.iter().for_each(|value| samples.add(Duration::from_secs(*value)));
        samples
    }

    #[test]
    fn the_median_is_in_the_middle_of_the_spread() {
        assert!((samples(&[9, 1, 2]).median() - 2.0).abs() < f64::EPSILON);
        assert!((samples(&[4, 1, 2, 9]).median() - 3.0).abs() < f64::EPSILON);
        assert_eq!(samples(&[9, 1, 2]).spread(), (1.0, 9.0));
        assert!(samples(&[]).median().is_nan());
    }
}
