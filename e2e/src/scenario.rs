//! The end-to-end scenarios, one file each.
//!
//! Each starts its own stacks on free ports and leaves nothing. Invariant: a scenario that cannot run has failed.

use std::process::ExitCode;

use crate::report::Report;

mod corpus;
mod hostile;
mod lifecycle;
mod outage;
mod revocation;
mod scale;

/// `portcullis-e2e scenario`.
#[derive(Debug, clap::Args)]
pub(crate) struct Scenario {
    /// Which one; absent = list them.
    name: Option<String>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    json: bool,
}

const SCENARIOS: [(&str, &str); 1] =
    [("corpus", "every case of policies/*/cases.toml, and every line that `up` prints")];

impl Scenario {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let Some(name) = self.name else {
            SCENARIOS.iter().for_each(|(name, what)| println!("{name:12}{what}"));
            return Ok(ExitCode::SUCCESS);
        };
        let mut report = Report::default();
        let result = match name.as_str() {
            "corpus" => corpus::run(&mut report).await,
            "lifecycle" => lifecycle::run(&mut report).await,
            "revocation" => revocation::run(&mut report).await,
            "outage" => outage::run(&mut report).await,
            "hostile" => hostile::run(&mut report).await,
            "scale" => scale::run(&mut report).await,
            other => anyhow::bail!("no scenario `{other}`\nhint: without a name they are listed"),
        };
        if let Err(error) = result {
            report.check(format!("the scenario runs to its end: {error:#}"), false);
        }
        Ok(report.finish(&name, self.json))
    }
}
