//! The benches that need a real Envoy or a real control plane.
//!
//! Each measures things side by side in one run: figures from two runs, or two machines, are not to be compared.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

mod control_plane;
mod cpu;
mod envoy;
mod instructions;
mod limited;
mod lineup;
mod load;
mod management;
mod services;
mod tokens;
mod variant;

/// `portcullis-e2e bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Bench {
    /// Which one; absent = list them.
    name: Option<String>,
    /// Print one JSON object on the last line.
    #[arg(long)]
    json: bool,
    /// envoy: how often each variant is measured.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// envoy: requests each time.
    #[arg(long, default_value_t = 20_000)]
    requests: usize,
    /// envoy: how many of the 10,000 keys are used, in turn.
    #[arg(long, default_value_t = lineup::KEYS)]
    in_turn: usize,
    /// management: requests of each kind.
    #[arg(long, default_value_t = 400)]
    samples: usize,
    /// control: keys that there are.
    #[arg(long, default_value_t = 1_000_000)]
    keys: usize,
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

impl Bench {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.name.as_deref() {
            None => {
                println!("envoy       what each way of checking a key adds to Envoy's own CPU time per request");
                println!("instructions how many instructions Envoy executes for a request with each of them");
                println!(
                    "control     how long a control plane with a million keys takes to start, to publish and to tell its edges"
                );
                println!("management  how long the management API takes with a hundred thousand keys");
            }
            Some("envoy") => return envoy::run(self).await,
            Some("instructions") => return instructions::run(self).await,
            Some("control") => return control_plane::run(self.control_plane_sizes(), self.database, self.json).await,
            Some("management") => return management::run(self.samples, self.json).await,
            Some(other) => anyhow::bail!("no bench `{other}`\nhint: without a name they are listed"),
        }
        Ok(ExitCode::SUCCESS)
    }

    fn control_plane_sizes(&self) -> control_plane::Sizes {
        control_plane::Sizes { keys: self.keys, edges: self.edges, changes: self.changes, rounds: self.notifications }
    }
}
