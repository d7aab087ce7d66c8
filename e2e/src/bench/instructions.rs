//! `bench instructions`: how many instructions Envoy executes for a request with each way of checking a key.
//!
//! Counted by callgrind in the real Envoy, V8's compiled code included, so that a busy or a slow machine changes nothing:
//! what takes long is another matter (`bench envoy`). What ticks execute is not a request's: under callgrind there are far more
//! of them to a request, so a pause of the same length is counted too and taken off. Invariant: everything was compiled by V8's optimising compiler before it
//! is counted, as far as requests before tell.

use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use super::Bench;
use super::envoy::cell;
use super::lineup::{Instrument, Lineup};
use super::load::Load;
use super::variant::Variant;
use crate::http::Connection;
use crate::process::Process;

/// Of the requests that `bench envoy` measures, one in so many is counted.
const PART: usize = 10;

pub(super) async fn run(bench: Bench) -> anyhow::Result<ExitCode> {
    let lineup = Lineup::start(&bench).await?;
    let (count, mut counted) = ((bench.requests / PART).max(1), Vec::new());
    for &variant in &lineup.wanted {
        let (process, edge) = lineup.envoy(variant, Instrument::Callgrind).await?;
        let load = lineup.load(variant, bench.in_turn);
        let mut connection = Connection::open(edge).await?;
        send(&mut connection, &load, bench.requests).await?;
        let counter = Counter { process: &process, lineup: &lineup, variant };
        counter.start()?;
        let since = Instant::now();
        send(&mut connection, &load, count).await?;
        let (took, busy) = (since.elapsed(), counter.dump(1)?);
        tokio::time::sleep(took).await;
        counted.push((variant, (busy - counter.dump(2)?) / count as f64));
    }
    let of = |wanted| counted.iter().find(|(variant, _)| *variant == wanted).map_or(f64::NAN, |(_, it)| *it);
    let bare = of(Variant::Bare);
    println!("{:16}{:>14}{:>12}{:>12}", "", "instructions", "added", "x no-op");
    let mut figures = Map::new();
    for (variant, it) in &counted {
        let name = variant.name(&lineup.ingredients);
        println!("{name:16}{it:>14.0}{:>12.0}{:>12}", it - bare, cell((it - bare) / (of(Variant::Noop) - bare)));
        figures.insert(name.to_owned(), Value::from(it.round()));
    }
    if bench.json {
        println!("{}", json!({ "instructions_per_request": figures }));
    }
    Ok(ExitCode::SUCCESS)
}

async fn send(connection: &mut Connection, load: &Load, count: usize) -> anyhow::Result<()> {
    for request in load.requests.iter().cycle().take(count) {
        let answer = connection.exchange(request, false).await?;
        anyhow::ensure!(answer.status == load.status, "answered {}", answer.gist());
    }
    Ok(())
}

/// What counts in an Envoy.
struct Counter<'a> {
    process: &'a Process,
    lineup: &'a Lineup,
    variant: Variant,
}

impl Counter<'_> {
    fn start(&self) -> anyhow::Result<()> {
        self.control("--instr=on")
    }

    /// Instructions of all threads since the start, or since the dump before this one, the `number`th.
    fn dump(&self, number: usize) -> anyhow::Result<f64> {
        self.control("--dump")?;
        let file = self.lineup.file(self.variant, &format!("callgrind.{number}"));
        let text = std::fs::read_to_string(&file).with_context(|| format!("`{}`", file.display()))?;
        let totals =
            text.lines().find_map(|line| line.strip_prefix("totals: ")).context("callgrind wrote no totals")?;
        totals.trim().parse().context("not a number of instructions")
    }

    fn control(&self, what: &str) -> anyhow::Result<()> {
        let mut command = Command::new("callgrind_control");
        let done = command.arg(what).arg(self.process.id().to_string()).output().context("callgrind_control")?;
        anyhow::ensure!(done.status.success(), "callgrind_control {what}: {}", String::from_utf8_lossy(&done.stderr));
        Ok(())
    }
}
