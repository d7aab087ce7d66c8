//! A plot of bars: some ways to do one thing, beside each other.
//!
//! Invariant: each bar has its name and its value written out.

use super::canvas::{Canvas, Pen, Side, WIDTH};
use super::scale::{Linear, short};

const TOP: f64 = 46.0;
const EACH: f64 = 26.0;
const LEFT: f64 = 132.0;
const RIGHT: f64 = WIDTH - 44.0;

/// What is drawn.
#[derive(Clone, Debug)]
pub(super) struct Bars {
    pub(super) title: &'static str,
    /// What is measured, with its unit.
    pub(super) unit: &'static str,
    /// Names and values; those whose name begins as `ours` are drawn in colour.
    pub(super) bars: Vec<(&'static str, Option<f64>)>,
    pub(super) ours: &'static str,
}

impl Bars {
    /// The plot, unless there is nothing to see.
    pub(super) fn svg(self) -> Option<String> {
        let bars: Vec<_> = self.bars.iter().filter_map(|(name, value)| Some((*name, (*value)?))).collect();
        let most = bars.iter().map(|(_, value)| *value).reduce(f64::max)?;
        let axis = Linear::up_to(most);
        let mut canvas = Canvas::new(TOP + EACH * bars.len() as f64, self.title);
        canvas.text((0.0, 32.0), Side::Right, Pen::Ink, self.unit);
        for (number, (name, value)) in bars.into_iter().enumerate() {
            let top = TOP + EACH * number as f64;
            let pen = if name.starts_with(self.ours) { Pen::Series(0) } else { Pen::Ink };
            let width = (axis.place(value) * (RIGHT - LEFT)).max(1.0);
            canvas.text((LEFT - 8.0, top + 14.0), Side::Left, pen, name);
            canvas.bar(pen, (LEFT, top + 1.0), (width, EACH - 8.0));
            canvas.text((LEFT + width + 6.0, top + 14.0), Side::Right, pen, &short(value));
        }
        Some(canvas.finish())
    }
}
