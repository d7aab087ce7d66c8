//! axe-core on the page that is shown.
//!
//! WCAG 2.2 up to AA, and what axe calls good practice. Invariant: every violation is a line that names an element.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::Browser;
use crate::tools;

const RULES: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// What axe found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accessibility {
    /// A line an element.
    pub(crate) violations: Vec<String>,
    /// Rules that applied to something and held.
    pub(crate) passes: usize,
}

impl Browser {
    /// Lets axe look at the page.
    pub(crate) async fn accessibility(&self) -> anyhow::Result<Accessibility> {
        let script = std::fs::read_to_string(tools::axe()?)?;
        self.run(&script, Vec::new()).await.context("axe-core does not load")?;
        let run = "const done = arguments[arguments.length - 1];
            axe.run(document, { runOnly: arguments[0], resultTypes: ['violations'] })
                .then(done, error => done({ error: String(error) }))";
        let found = self.client.execute_async(run, vec![json!(RULES)]).await.context("axe-core does not run")?;
        anyhow::ensure!(found["error"].is_null(), "axe-core says {}", found["error"]);
        let violations = found["violations"].as_array().context("axe-core answers something else")?;
        let passes = found["passes"].as_array().map_or(0, Vec::len);
        Ok(Accessibility { violations: violations.iter().flat_map(lines).collect(), passes })
    }
}

fn lines(violation: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |node: &Value| {
        let summary = text(&node["failureSummary"]);
        let why = summary.lines().skip(1).map(str::trim).collect::<Vec<_>>().join("; ");
        format!("{} ({}) at {}: {why}", text(&violation["id"]), text(&violation["impact"]), node["target"])
    };
    violation["nodes"].as_array().into_iter().flatten().map(line).collect()
}
