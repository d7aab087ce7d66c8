//! What plots are drawn with: lines, dots, bars and text as SVG.
//!
//! Colours are of a middle lightness on nothing, so that one file can be read on light and on dark pages, and a series differs
//! from the next by its mark too. Invariant: coordinates are rounded, so that every machine writes the same bytes.

use svg::node::element::{Circle, Line, Polyline, Rectangle, Text, Title};
use svg::{Document, Node as _};

/// Readable at the width of a telephone, where it is not made smaller.
pub(super) const WIDTH: f64 = 390.0;
/// Of all text but titles.
pub(super) const FONT: f64 = 12.0;

const INK: &str = "#767d88";
const COLOURS: [&str; 4] = ["#2f81f7", "#d9730d", "#2da44e", "#a371f7"];
const FAMILY: &str = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";

/// On which side of its place a text stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Side {
    Right,
    Centre,
    Left,
}

/// What is drawn with: the ink of axes and text, or a series' colour.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pen {
    Ink,
    Series(usize),
}

/// A picture under work.
pub(super) struct Canvas {
    document: Document,
}

impl Canvas {
    /// An empty one; the title is drawn, and read aloud.
    pub(super) fn new(height: f64, title: &str) -> Self {
        let document = Document::new()
            .set("viewBox", (0.0, 0.0, WIDTH, height))
            .set("width", WIDTH)
            .set("height", height)
            .set("role", "img")
            .set("font-family", FAMILY)
            .add(Title::new(title));
        let title = Text::new(title).set("x", 0).set("y", 15).set("font-size", 14).set("font-weight", 600);
        Self { document: document.add(title.set("fill", INK)) }
    }

    pub(super) fn text(&mut self, (x, y): (f64, f64), side: Side, pen: Pen, text: &str) {
        let text = Text::new(text).set("x", round(x)).set("y", round(y)).set("font-size", FONT);
        self.add(text.set("text-anchor", side.anchor()).set("fill", pen.colour()));
    }

    /// A thin line; of a goal, a dashed one.
    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), is_goal: bool) {
        let line = Line::new().set("x1", round(from.0)).set("y1", round(from.1));
        let line = line.set("x2", round(to.0)).set("y2", round(to.1)).set("stroke", INK);
        self.add(if is_goal { line.set("stroke-dasharray", "5 4") } else { line.set("stroke-opacity", 0.3) });
    }

    /// Values of a series, joined.
    pub(super) fn curve(&mut self, series: usize, places: &[(f64, f64)]) {
        let points: Vec<String> = places.iter().map(|(x, y)| format!("{},{}", round(*x), round(*y))).collect();
        let pen = Pen::Series(series);
        let line = Polyline::new().set("points", points.join(" ")).set("fill", "none").set("stroke-width", 2);
        self.add(line.set("stroke", pen.colour()).set("stroke-linejoin", "round"));
        places.iter().for_each(|place| self.mark(series, *place));
    }

    /// A series' mark: a dot, a ring, a square, a hollow square.
    pub(super) fn mark(&mut self, series: usize, (x, y): (f64, f64)) {
        let colour = Pen::Series(series).colour();
        let fill = if series.is_multiple_of(2) { colour } else { "none" };
        if series % 4 < 2 {
            let mark = Circle::new().set("cx", round(x)).set("cy", round(y)).set("r", 3.5);
            return self.add(mark.set("fill", fill).set("stroke", colour).set("stroke-width", 1.5));
        }
        let mark = Rectangle::new().set("x", round(x - 3.0)).set("y", round(y - 3.0)).set("width", 6).set("height", 6);
        self.add(mark.set("fill", fill).set("stroke", colour).set("stroke-width", 1.5));
    }

    pub(super) fn bar(&mut self, pen: Pen, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let bar = Rectangle::new().set("x", round(x)).set("y", round(y)).set("width", round(width));
        self.add(bar.set("height", round(height)).set("rx", 2).set("fill", pen.colour()));
    }

    pub(super) fn finish(self) -> String {
        format!("{}\n", self.document.to_string().trim_end())
    }

    fn add(&mut self, node: impl Into<Box<dyn svg::Node>>) {
        self.document.append(node);
    }
}

impl Side {
    fn anchor(self) -> &'static str {
        match self {
            Self::Right => "start",
            Self::Centre => "middle",
            Self::Left => "end",
        }
    }
}

impl Pen {
    fn colour(self) -> &'static str {
        match self {
            Self::Ink => INK,
            Self::Series(number) => COLOURS.get(number % COLOURS.len()).copied().unwrap_or(INK),
        }
    }
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
