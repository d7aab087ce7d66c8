//! A plot of curves: sizes along a logarithmic axis, values from nothing upwards.
//!
//! Invariant: every size that was measured has its tick, and every curve ends in its last value, written out.

use super::canvas::{Canvas, FONT, Pen, Side, WIDTH};
use super::scale::{Linear, Log, short};

const HEIGHT: f64 = 250.0;
const LEFT: f64 = 40.0;
/// Room for the last values.
const RIGHT: f64 = WIDTH - 46.0;
/// Below the title and the series' names.
const TOP: f64 = 56.0;
const BOTTOM: f64 = HEIGHT - 42.0;

/// What is drawn.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    pub(super) title: &'static str,
    /// What grows.
    pub(super) x: &'static str,
    /// What is measured, with its unit.
    pub(super) y: &'static str,
    pub(super) series: Vec<(&'static str, Vec<(f64, f64)>)>,
    /// What may not be exceeded, and how it is called.
    pub(super) goal: Option<(f64, &'static str)>,
}

impl Lines {
    /// The plot, unless there is nothing to see.
    pub(super) fn svg(mut self) -> Option<String> {
        self.series.retain(|(_, points)| !points.is_empty());
        let points = || self.series.iter().flat_map(|(_, points)| points);
        points().next()?;
        let most = points().map(|(_, value)| *value).chain(self.goal.map(|(goal, _)| goal)).fold(0.0, f64::max);
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
            canvas.mark(number, (along, 43.0));
            canvas.text((along + 8.0, 47.0), Side::Right, Pen::Series(number), name);
            // About what a letter takes, as nobody can measure here.
            along += 26.0 + name.len() as f64 * FONT * 0.52;
        }
    }

    /// Beside where each curve ends, moved apart where they would cover each other.
    fn last_values(&self, canvas: &mut Canvas, places: &[Vec<(f64, f64)>]) {
        let last = |(number, (_, points)): (usize, &(&str, Vec<(f64, f64)>))| {
            let (_, height) = places.get(number)?.last()?;
            Some((*height, number, points.last()?.1))
        };
        let mut ends: Vec<_> = self.series.iter().enumerate().filter_map(last).collect();
        ends.sort_by(|(a, ..), (b, ..)| a.total_cmp(b));
        let mut lowest = f64::MIN;
        for (height, number, value) in ends {
            lowest = height.max(lowest + FONT);
            canvas.text((RIGHT + 2.0, lowest + 4.0), Side::Right, Pen::Series(number), &short(value));
        }
    }
}
