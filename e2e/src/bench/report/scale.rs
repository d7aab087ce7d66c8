//! From values to places: axes with round numbers, and how numbers are written.

/// A value axis that begins at nothing and ends at a round number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Linear {
    step: f64,
    steps: u32,
}

impl Linear {
    /// As few steps as show values up to `most` well.
    pub(super) fn up_to(most: f64) -> Self {
        let most = if most.is_finite() && most > 0.0 { most } else { 1.0 };
        let rough = most / 4.0;
        let magnitude = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|it| it * magnitude).find(|it| *it >= rough * 0.999);
        let step = step.unwrap_or(10.0 * magnitude);
        Self { step, steps: (most / step).ceil().max(1.0) as u32 }
    }

    /// Where a value lies, from 0 to 1.
    pub(super) fn place(self, value: f64) -> f64 {
        value / (self.step * f64::from(self.steps))
    }

    pub(super) fn ticks(self) -> impl Iterator<Item = f64> {
        (0..=self.steps).map(move |number| self.step * f64::from(number))
    }
}

/// An axis on which each tenfold is as far as the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Log {
    from: f64,
    to: f64,
}

impl Log {
    /// From the least to the most of some values.
    pub(super) fn over(values: impl Iterator<Item = f64>) -> Self {
        let (from, to) = values.fold((f64::MAX, f64::MIN), |(from, to), it| (from.min(it), to.max(it)));
        Self { from, to }
    }

    /// Where a value lies, from 0 to 1; a single one in the middle.
    pub(super) fn place(self, value: f64) -> f64 {
        let place = (value / self.from).ln() / (self.to / self.from).ln();
        if place.is_finite() { place } else { 0.5 }
    }
}

/// A number as an axis has it: 1k, 2.5M.
pub(super) fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        it if it >= 1e6 => (value / 1e6, "M"),
        it if it >= 1e3 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let digits = match value.abs() {
        it if it >= 100.0 => 0,
        it if it >= 10.0 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        let ticks = |most: f64| Linear::up_to(most).ticks().map(short).collect::<Vec<_>>().join(" ");
        assert_eq!(ticks(19.3), "0 5 10 15 20");
        assert_eq!(ticks(163.0), "0 50 100 150 200");
        assert_eq!(ticks(12_700.0), "0 5k 10k 15k");
        assert_eq!(ticks(1.0), "0 0.25 0.5 0.75 1");
        assert_eq!(ticks(0.0), ticks(1.0), "nothing to see has an axis too");
        assert_eq!(Linear::up_to(20.0).place(10.0), 0.5);
    }

    #[test]
    fn tenfolds_are_equally_far() {
        let axis = Log::over([1000.0, 1e6].into_iter());
        let places = [1000.0, 1e4, 1e6].map(|it| (axis.place(it) * 1000.0).round());
        assert_eq!(places, [0.0, 333.0, 1000.0]);
        assert_eq!(Log::over([7.0].into_iter()).place(7.0), 0.5);
    }

    #[test]
    fn numbers_are_short() {
        let texts = [1000.0, 1e6, 2.5, 163.4, 12_553.0, 0.58, -0.5].map(short);
        assert_eq!(texts, ["1k", "1M", "2.5", "163", "12.6k", "0.58", "-0.5"]);
    }
}
