//! A plot of curves: sizes along a logarithmic axis, values from nothing upwards.
//!
//! Invariant: every size that was measured has its tick, and every curve ends in its last value, written out.

use super::canvas::{Canvas, FONT, Pen, Side, WIDTH};
use super::scale::{Linear, Log, short};

const HEIGHT: f64 = 256.0;
const LEFT: f64 = 40.0;
/// Room for the last values.
const RIGHT: f64 = WIDTH - 46.0;
/// Below the title and the series' names.
const TOP: f64 = 62.0;
/// Where the series' names stand.
const NAMES: f64 = TOP - 15.0;
/// So much higher than a goal the axis reaches, at the least: its name stands above it, and below the series' names.
const ABOVE_GOAL: f64 = 1.12;
const BOTTOM: f64 = HEIGHT - 42.0;

/// A curve: its name, and values by size.
pub(super) type Curve = (&'static str, Vec<(f64, f64)>);

/// What is drawn.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    pub(super) title: &'static str,
    /// What grows.
    pub(super) x: &'static str,
    /// What is measured, with its unit.
    pub(super) y: &'static str,
    pub(super) series: Vec<Curve>,
    /// What may not be exceeded, and how it is called.
    pub(super) goal: Option<(f64, &'static str)>,
}

impl Lines {
    /// The plot, unless there is nothing to see.
    pub(super) fn svg(mut self) -> Option<String> {
        self.series.retain(|(_, points)| !points.is_empty());
        let points = || self.series.iter().flat_map(|(_, points)| points);
        points().next()?;
        let most =
            points().map(|(_, value)| *value).chain(self.goal.map(|(goal, _)| goal * ABOVE_GOAL)).fold(0.0, f64::max);
        let (x, y) = (Log::over(points().map(|(size, _)| *size)), Linear::up_to(most));
        let place = |(size, value): (f64, f64)| {
            (LEFT + 8.0 + x.place(size) * (RIGHT - LEFT - 16.0), BOTTOM - y.place(value) * (BOTTOM - TOP))
        };
        let mut canvas = Canvas::new(HEIGHT, self.title);
        self.axes(&mut canvas, y, place);
        self.names(&mut canvas);
        let places = self.series.iter().map(|(_, points)| points.iter().map(|it| place(*it)).collect::<Vec<_>>());
        let places: Vec<_> = places.collect();
        places.iter().enumerate().for_each(|(number, places)| canvas.curve(number, places));
        self.last_values(&mut canvas, &places);
        Some(canvas.finish())
    }

    fn axes(&self, canvas: &mut Canvas, y: Linear, place: impl Fn((f64, f64)) -> (f64, f64)) {
        for tick in y.ticks() {
            let (_, height) = place((1.0, tick));
            canvas.line((LEFT, height), (RIGHT, height), false);
            canvas.text((LEFT - 6.0, height + 4.0), Side::Left, Pen::Ink, &short(tick));
        }
        let mut sizes: Vec<f64> = self.series.iter().flat_map(|(_, points)| points).map(|(size, _)| *size).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        for size in sizes {
            let (along, _) = place((size, 0.0));
            canvas.text((along, BOTTOM + 16.0), Side::Centre, Pen::Ink, &short(size));
        }
        canvas.text(((LEFT + RIGHT) / 2.0, HEIGHT - 8.0), Side::Centre, Pen::Ink, self.x);
        if let Some((goal, name)) = self.goal {
            let (_, height) = place((1.0, goal));
            canvas.line((LEFT, height), (RIGHT, height), true);
            canvas.text((LEFT + 4.0, height - 4.0), Side::Right, Pen::Ink, name);
        }
    }

    /// What is measured, and which curve is which.
    fn names(&self, canvas: &mut Canvas) {
        canvas.text((0.0, 32.0), Side::Right, Pen::Ink, self.y);
        let mut along = 4.0;
        for (number, (name, _)) in self.series.iter().enumerate().filter(|_| self.series.len() > 1) {
            canvas.mark(number, (along, NAMES - 4.0));
            canvas.text((along + 8.0, NAMES), Side::Right, Pen::Series(number), name);
            // About what a letter takes, as nobody can measure here.
            along += 26.0 + name.len() as f64 * FONT * 0.52;
        }
    }

    /// Beside where each curve ends, moved apart where they would cover each other.
    fn last_values(&self, canvas: &mut Canvas, places: &[Vec<(f64, f64)>]) {
        let last = |(number, (_, points)): (usize, &Curve)| {
            let (_, height) = places.get(number)?.last()?;
            Some((*height, number, points.last()?.1))
        };
        let mut ends: Vec<_> = self.series.iter().enumerate().filter_map(last).collect();
        ends.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
        for (height, (_, number, value)) in apart(ends.iter().map(|(height, ..)| *height)).into_iter().zip(&ends) {
            canvas.text((RIGHT + 2.0, height + 4.0), Side::Right, Pen::Series(*number), &short(*value));
        }
    }
}

/// Ascending places, moved so far that texts in them do not cover each other, and none lies below the axis.
fn apart(places: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut least = f64::MIN;
    let mut apart: Vec<f64> = places
        .map(|place| {
            let moved = place.max(least);
            least = moved + FONT;
            moved
        })
        .collect();
    let mut most = BOTTOM;
    for place in apart.iter_mut().rev() {
        *place = place.min(most);
        most = *place - FONT;
    }
    apart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_values_do_not_cover_each_other() {
        assert_eq!(apart([100.0, 150.0].into_iter()), [100.0, 150.0]);
        assert_eq!(apart([100.0, 104.0, 106.0].into_iter()), [100.0, 112.0, 124.0]);
        assert_eq!(apart([90.0, BOTTOM - 3.0, BOTTOM - 1.0].into_iter()), [90.0, BOTTOM - FONT, BOTTOM]);
    }

    #[test]
    fn a_goals_name_stands_below_those_of_the_series_however_high_the_goal() {
        for goal in [100.0, 199.0, 200.0, 300.0, 999.0, 1000.0] {
            let series = vec![("p50", vec![(1.0, 10.0)]), ("p99", vec![(1.0, 20.0)])];
            let lines = Lines { title: "", x: "", y: "", series, goal: Some((goal, "the goal")) };
            let svg = lines.svg().unwrap();
            let text = svg.split("<text").find(|it| it.contains("the goal")).unwrap();
            let y: f64 = text.split("y=\"").nth(1).and_then(|it| it.split('"').next()).unwrap().parse().unwrap();
            assert!(y - NAMES >= FONT, "the name of {goal} stands at {y}");
        }
    }
}
