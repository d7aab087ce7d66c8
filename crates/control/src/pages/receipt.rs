//! How far a change has come: on how many edges it is enforced and how fast the slowest was.

use askama::Template;
use askama::filters::HtmlSafe;

use super::shell::Shell;

/// More bars say no more.
const MAX_BARS: usize = 16;

/// `GET /receipts/{version}` for scripts, and a part of other pages: one line.
#[derive(Clone, Debug, Template)]
#[template(path = "parts/receipt.html")]
pub(crate) struct Receipt {
    pub(crate) version: u64,
    pub(crate) edges: usize,
    pub(crate) enforced: usize,
    pub(crate) complete: bool,
    /// `enforced on 2 of 2 edges, slowest 140 ms`
    pub(crate) text: String,
}

impl HtmlSafe for Receipt {}

impl Receipt {
    /// One bar per edge, lowered where the change is enforced.
    fn bars(&self) -> Vec<bool> {
        let shown = self.edges.min(MAX_BARS);
        let lowered = if self.enforced >= self.edges { shown } else { self.enforced.min(shown.saturating_sub(1)) };
        (0..shown).map(|bar| bar < lowered).collect()
    }
}

/// `GET /receipts/{version}`: edge by edge.
#[derive(Clone, Debug, Template)]
#[template(path = "receipt.html")]
pub(crate) struct ReceiptPage {
    pub(crate) shell: Shell,
    pub(crate) receipt: Receipt,
    pub(crate) changed: super::when::When,
    pub(crate) rows: Vec<ReceiptRow>,
}

/// One edge.
#[derive(Clone, Debug)]
pub(crate) struct ReceiptRow {
    pub(crate) edge: String,
    pub(crate) enforced: bool,
    /// Whether it has reported nothing for a while.
    pub(crate) silent: bool,
    pub(crate) ms: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_full_only_when_every_edge_enforces() {
        for (edges, enforced, bars, lowered) in
            [(0, 0, 0, 0), (2, 1, 2, 1), (2, 2, 2, 2), (40, 39, 16, 15), (40, 40, 16, 16)]
        {
            let receipt = Receipt { version: 1, edges, enforced, complete: edges == enforced, text: String::new() };
            let shown = receipt.bars();
            assert_eq!(
                (shown.len(), shown.iter().filter(|down| **down).count()),
                (bars, lowered),
                "{edges} {enforced}"
            );
        }
    }
}
