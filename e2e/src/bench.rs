//! The benches that need a real Envoy or a real control plane.
//!
//! Each measures things side by side in one run: figures from two runs, or two machines, are not to be compared.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

mod bundle;
mod calls;
mod control_plane;
mod cpu;
mod curve;
mod envoy;
mod instructions;
mod limited;
mod lineup;
mod load;
mod machine;
mod management;
mod report;
mod services;
mod tokens;
mod variant;

const BENCHES: [(&str, &str); 8] = [
    ("envoy", "what each way of checking a key adds to Envoy's own CPU time per request"),
    ("instructions", "how many instructions Envoy executes for a request with each of them"),
    ("curve", "what more keys, workers, rules and scopes cost"),
    ("bundle", "what a million keys and ten million weigh, and how long building and verifying them takes"),
    ("control", "how long a control plane with a million keys takes to start, to publish and to tell its edges"),
    ("management", "how long the management API takes with a hundred thousand keys"),
    ("report", "plots and tables of a run"),
    ("machine", "what machine this is, as JSON"),
];

/// `portcullis-e2e bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// Which one; absent = list them.
    name: Option<String>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    json: bool,
    /// envoy, curve: how often each variant is measured.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// envoy, curve: requests each time.
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// envoy, instructions: keys of each kind.
    #[arg(long, default_value_t = lineup::KEYS)]
    of: usize,
    /// envoy: how many of them are used, in turn.
    #[arg(long, default_value_t = lineup::KEYS)]
    in_turn: usize,
    /// bundle, curve: numbers of keys, separated by commas; control, management: how many.
    #[arg(long, value_delimiter = ',', value_parser = number_of_keys)]
    keys: Vec<usize>,
    #[command(flatten)]
    curve: curve::Growth,
    #[command(flatten)]
    report: report::Source,
    /// Says whether goals are met, and does not fail for them.
    #[arg(long)]
    no_goals: bool,
    /// management: requests of each kind.
    #[arg(long, default_value_t = 400)]
    samples: usize,
    /// control: edges that wait for news.
    #[arg(long, default_value_t = 500)]
    edges: usize,
    /// control: revocations, one after another.
    #[arg(long, default_value_t = 1000)]
    changes: usize,
    /// control: changes that every edge is told of.
    #[arg(long, default_value_t = 20)]
    notifications: usize,
    /// control: measures on this database alone.
    #[arg(long, value_enum)]
    database: Option<control_plane::Kind>,
    /// envoy: measures another build of the filter in the same run, to compare before and after; may be repeated.
    #[arg(long, value_name = "NAME=MODULE", value_parser = named_module)]
    with: Vec<NamedModule>,
    /// envoy: the same for requests to services, in the module that looks at answers; may be repeated.
    #[arg(long, value_name = "NAME=MODULE", value_parser = named_module)]
    with_services: Vec<NamedModule>,
    /// instructions: measures modules that make one host call each, and the bare Envoy and the no-op, alone.
    #[arg(long)]
    calls: bool,
    /// envoy: measures this variant, the bare Envoy and the other builds alone; may be repeated.
    #[arg(long, value_name = "VARIANT")]
    only: Vec<String>,
}

/// Another build of the filter, and what to call it.
#[derive(Clone, Debug)]
pub(crate) struct NamedModule {
    name: String,
    path: PathBuf,
}

fn named_module(text: &str) -> anyhow::Result<NamedModule> {
    let (name, path) = text.split_once('=').context("hint: such as `before=/tmp/before.wasm`")?;
    let path = Path::new(path).canonicalize().with_context(|| format!("`{path}`"))?;
    Ok(NamedModule { name: name.to_owned(), path })
}

fn number_of_keys(text: &str) -> anyhow::Result<usize> {
    let number = text.trim().parse().ok().filter(|number| *number > 0);
    number.context("expected numbers of keys, separated by commas, as in 1000,10000")
}

impl Bench {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let no_goals = self.no_goals;
        let met = self.measure().await?;
        if no_goals && met != ExitCode::SUCCESS {
            eprintln!("==> a goal was missed, which is not judged here");
        }
        Ok(if no_goals { ExitCode::SUCCESS } else { met })
    }

    async fn measure(self) -> anyhow::Result<ExitCode> {
        match self.name.as_deref() {
            None => BENCHES.iter().for_each(|(name, what)| println!("{name:13}{what}")),
            Some("bundle") => return bundle::run(&self.keys, self.json),
            Some("control") => return control_plane::run(self.control_plane_sizes()?, self.database, self.json).await,
            Some("curve") => {
                return curve::run(self.curve, &self.keys, self.rounds, self.requests, self.json).await;
            }
            Some("envoy") => return envoy::run(self).await,
            Some("instructions") => return instructions::run(self).await,
            Some("machine") => machine::print()?,
            Some("management") => {
                return management::run(self.one_size(management::KEYS)?, self.samples, self.json).await;
            }
            Some("report") => report::run(&self.report)?,
            Some(other) => anyhow::bail!("no bench `{other}`\nhint: without a name they are listed"),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn control_plane_sizes(&self) -> anyhow::Result<control_plane::Sizes> {
        let keys = self.one_size(control_plane::KEYS)?;
        Ok(control_plane::Sizes { keys, edges: self.edges, changes: self.changes, rounds: self.notifications })
    }

    /// The number of keys of a bench that takes one.
    fn one_size(&self, usual: usize) -> anyhow::Result<usize> {
        match self.keys[..] {
            [] => Ok(usual),
            [keys] => Ok(keys),
            _ => anyhow::bail!("this bench takes one number of keys\nhint: run it once for each"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_keys_are_numbers() {
        assert_eq!(number_of_keys(" 1000").unwrap(), 1000);
        for wrong in ["", "0", "-1", "x", "1000;2000"] {
            assert!(number_of_keys(wrong).unwrap_err().to_string().ends_with("as in 1000,10000"), "{wrong}");
        }
    }

    #[test]
    fn variants_are_known_by_their_names_before_anything_is_made_for_them() {
        assert_eq!(variant::Variant::named("two headers").unwrap(), variant::Variant::FewHeaders);
        for wrong in ["", "nope"] {
            let refused = variant::Variant::named(wrong).unwrap_err().to_string();
            assert!(refused.contains("hint: they are `bare`, `api_key_auth`"), "{refused}");
        }
    }
}
