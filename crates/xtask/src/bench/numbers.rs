//! Figures: their median, their spread, and how they are written.

/// A figure over several runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spread {
    pub(super) min: f64,
    pub(super) median: f64,
    pub(super) max: f64,
}

impl Spread {
    /// `None` without a run.
    pub(super) fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*figures.first()?, *figures.last()?);
        let middle = figures.len() / 2;
        let median = if figures.len().is_multiple_of(2) {
            f64::midpoint(figures[middle - 1], figures[middle])
        } else {
            figures[middle]
        };
        Some(Self { min, median, max })
    }

    /// The median, and the spread if there were several runs.
    pub(super) fn text(&self, decimals: usize) -> String {
        let median = number(self.median, decimals);
        if self.min.to_bits() == self.max.to_bits() {
            return median;
        }
        format!("{median} ({}–{})", number(self.min, decimals), number(self.max, decimals))
    }
}

/// With a comma at each thousand.
pub(super) fn number(figure: f64, decimals: usize) -> String {
    let text = format!("{figure:.decimals$}");
    let (whole, rest) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let rest = rest.map_or(String::new(), |rest| format!(".{rest}"));
    format!("{sign}{grouped}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_in_thousands() {
        for (figure, decimals, text) in [
            (0.0, 0, "0"),
            (999.6, 0, "1,000"),
            (1_234_567.0, 0, "1,234,567"),
            (-1_234.56, 1, "-1,234.6"),
            (0.894, 2, "0.89"),
        ] {
            assert_eq!(number(figure, decimals), text);
        }
    }

    #[test]
    fn a_spread_has_its_median_in_the_middle() {
        assert_eq!(Spread::of(vec![3.0, 1.0, 2.0]).unwrap().text(0), "2 (1–3)");
        assert_eq!(Spread::of(vec![4.0, 1.0]).unwrap().text(1), "2.5 (1.0–4.0)");
        assert_eq!(Spread::of(vec![7.0]).unwrap().text(0), "7");
        assert!(Spread::of(Vec::new()).is_none());
    }
}
