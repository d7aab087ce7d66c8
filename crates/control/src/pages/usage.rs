//! `GET /usage`: what an organisation's keys did, added up, and a chart of days.

use askama::Template;
use askama::filters::HtmlSafe;

use super::parts::Bar;
use super::quota::QuotaCard;
use super::shell::Shell;

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "usage.html")]
pub(crate) struct Usage {
    pub(crate) shell: Shell,
    pub(crate) quota: QuotaCard,
    /// Days, in words, and whether it is the one that is shown.
    pub(crate) stretches: Vec<(u64, &'static str, bool)>,
    pub(crate) allowed: u64,
    pub(crate) cost: u64,
    pub(crate) denied: u64,
    pub(crate) chart: Chart,
    /// Id, name, requests let through, refused.
    pub(crate) keys: Vec<KeyRow>,
    pub(crate) reasons: Vec<Bar>,
    pub(crate) routes: Vec<Bar>,
    pub(crate) environments: Vec<Bar>,
    pub(crate) csv_href: String,
}

impl Usage {
    fn all(&self) -> u64 {
        self.allowed.saturating_add(self.denied)
    }
}

/// One of the busiest keys.
#[derive(Clone, Debug)]
pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) allowed: u64,
    pub(crate) denied: u64,
}

/// Requests a day, as bars beside each other, and as a table for whoever cannot see them.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/chart.html")]
pub(crate) struct Chart {
    id: &'static str,
    days: Vec<DayBar>,
    /// The tallest bar.
    most: u64,
}

impl HtmlSafe for Chart {}

/// One day: what was counted, and where its bar stands in a hundred by ten for each day.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DayBar {
    day: String,
    allowed: u64,
    denied: u64,
    x: usize,
    allowed_height: u64,
    denied_height: u64,
}

const HEIGHT: u64 = 100;
const WIDTH: usize = 10;

impl Chart {
    /// A day, let through, refused; in their order. `id` names it on its page.
    pub(crate) fn new(id: &'static str, days: Vec<(String, u64, u64)>) -> Self {
        let most = days.iter().map(|(_, allowed, denied)| allowed.saturating_add(*denied)).max().unwrap_or(0);
        // What happened at all is seen.
        let height = |count: u64| match u128::from(count) * u128::from(HEIGHT) / u128::from(most.max(1)) {
            0 => u64::from(count > 0),
            height => u64::try_from(height).unwrap_or(HEIGHT),
        };
        let bar = |(place, (day, allowed, denied)): (usize, (String, u64, u64))| {
            let (allowed_height, denied_height) = (height(allowed), height(denied));
            DayBar { day, allowed, denied, x: place * WIDTH, allowed_height, denied_height }
        };
        Self { id, days: days.into_iter().enumerate().map(bar).collect(), most }
    }

    fn width(&self) -> usize {
        self.days.len().max(1) * WIDTH
    }

    fn is_empty(&self) -> bool {
        self.most == 0
    }

    fn first(&self) -> &str {
        self.days.first().map_or("", |it| it.day.as_str())
    }

    fn last(&self) -> &str {
        self.days.last().map_or("", |it| it.day.as_str())
    }
}

impl DayBar {
    fn allowed_y(&self) -> u64 {
        HEIGHT.saturating_sub(self.allowed_height)
    }

    fn denied_y(&self) -> u64 {
        self.allowed_y().saturating_sub(self.denied_height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_each_other_and_the_tallest_is_whole() {
        let days = [("a", 30, 10), ("b", 0, 0), ("c", 1, 0), ("d", 0, 4_000)];
        let chart = Chart::new("x", days.map(|(day, allowed, denied)| (day.to_owned(), allowed, denied)).into());
        let shown: Vec<_> = chart
            .days
            .iter()
            .map(|it| (it.x, it.allowed_y(), it.allowed_height, it.denied_y(), it.denied_height))
            .collect();
        assert_eq!(shown, [(0, 99, 1, 98, 1), (10, 100, 0, 100, 0), (20, 99, 1, 99, 0), (30, 100, 0, 0, 100)]);
        assert_eq!((chart.width(), chart.most, chart.first(), chart.last()), (40, 4_000, "a", "d"));
        assert!(Chart::new("x", vec![("a".to_owned(), 0, 0)]).is_empty());
    }
}
