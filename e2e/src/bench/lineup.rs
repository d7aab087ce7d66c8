//! The Envoys that are compared, and everything that they and their requests need.
//!
//! It measures nothing. Invariant: each gets the same configuration, but for the filter that checks the key.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::load::Load;
use super::services::{self, Callers};
use super::tokens::{self, Bearers, request};
use super::variant::{self, Apart, Ingredients, Variant};
use super::{Bench, calls, limited};
use crate::http::Connection;
use crate::ports::{Ports, local};
use crate::process::Process;
use crate::stack::{self, Setup, Stack};
use crate::tools::{self, Module};

/// Keys of each kind, unless it is said otherwise.
pub(super) const KEYS: usize = 10_000;
/// How much longer everything may take in an Envoy whose instructions can be counted.
const SLOWER: u32 = 20;

/// How an Envoy is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instrument {
    /// As it is.
    None,
    /// Under callgrind, which counts nothing until it is told to.
    Callgrind,
}

/// What all of them need. Fields drop in order: Envoys go before what they talk to.
pub(super) struct Lineup {
    pub(super) wanted: Vec<Variant>,
    pub(super) ingredients: Ingredients,
    _authority: Process,
    control: Stack,
    _others: [Stack; 4],
}

impl Lineup {
    /// Starts what Envoys ask, and makes the keys.
    pub(super) async fn start(bench: &Bench) -> anyhow::Result<Self> {
        let only = bench.only.iter().map(|name| Variant::named(name)).collect::<anyhow::Result<Vec<_>>>()?;
        let mut control = Stack::new(Setup::preset("systemprompt")?)?;
        control.start_control().await?;
        let count = bench.of;
        eprintln!("==> creating {count} keys, five times as many for other policies and limits, and as many tokens");
        let told = limited::serving("rate_limit_headers = \"always\"").await?;
        let terse = limited::serving("identity_headers = [\"key-id\", \"environment\"]").await?;
        let minting = tokens::minting().await?;
        let bearers = tokens::bearers(&minting, count).await?;
        let serving = services::serving().await?;
        let callers = services::callers(&serving, count).await?;
        let ingredients = ingredients(&control, [&told, &terse], bearers, callers, bench).await?;
        let wanted = wanted(&ingredients, &only, bench);
        let admin = Ports::free()?.admin;
        let authority = variant::authority(ingredients.authority_port, admin);
        let authority = envoy(&control, "authority", &authority, admin, Instrument::None).await?;
        Ok(Self { wanted, ingredients, _authority: authority, control, _others: [told, terse, minting, serving] })
    }

    /// Starts the Envoy of a variant; when it is there, it lets the keys through.
    pub(super) async fn envoy(&self, it: Variant, instrument: Instrument) -> anyhow::Result<(Process, SocketAddr)> {
        let (name, Ports { edge, admin, .. }) = (it.name(&self.ingredients), Ports::free()?);
        eprintln!("==> starting Envoy: {name}");
        let config = variant::configuration(it, &self.ingredients, edge, admin);
        let process = envoy(&self.control, name, &config, admin, instrument).await?;
        if it.is_ours() {
            let mut connection = Connection::open(local(edge)).await?;
            stack::wait_enforcing(&mut connection, instrument.limit()).await?;
            if let Some(last) = it.keys(&self.ingredients).last().filter(|_| it.status() == 200) {
                limited::wait_allowed(&mut connection, &request(it.path(), last)).await?;
            }
        }
        Ok((process, local(edge)))
    }

    /// A file of a variant's.
    pub(super) fn file(&self, it: Variant, extension: &str) -> std::path::PathBuf {
        self.control.log(&format!("{}.{extension}", it.name(&self.ingredients)))
    }

    /// A variant's requests.
    pub(super) fn load(&self, it: Variant, in_turn: usize) -> Load {
        let keys = it.keys(&self.ingredients).iter().take(in_turn);
        Load { requests: keys.map(|key| request(it.path(), key).bytes()).collect(), status: it.status() }
    }
}

impl Instrument {
    /// How long a start may take.
    fn limit(self) -> Duration {
        match self {
            Self::None => stack::START,
            Self::Callgrind => stack::START * SLOWER,
        }
    }
}

/// What is measured: everything, or the `only` ones; the bare Envoy and other builds in any case.
fn wanted(from: &Ingredients, only: &[Variant], bench: &Bench) -> Vec<Variant> {
    if bench.calls {
        let calls = (0..from.calls.len()).map(Variant::Call);
        return [Variant::Bare, Variant::Noop].into_iter().chain(calls).collect();
    }
    let is_wanted = |variant: &Variant| only.is_empty() || *variant == Variant::Bare || only.contains(variant);
    let others = (0..from.others.len()).map(Variant::Other);
    let services = (0..from.other_services.len()).map(Variant::OtherServices);
    Variant::ALL.into_iter().filter(is_wanted).chain(others).chain(services).collect()
}

async fn ingredients(
    control: &Stack,
    [told, terse]: [&Stack; 2],
    bearers: Bearers,
    callers: Callers,
    bench: &Bench,
) -> anyhow::Result<Ingredients> {
    let client = control.control()?;
    let keys = limited::keys(&client, bench.of, &json!({})).await?;
    Ok(Ingredients {
        strangers: keys.iter().map(|key| backwards(key)).collect(),
        keys,
        limited: limited::limited_keys(&client, bench.of).await?,
        told: apart(told, limited::told_keys(&told.control()?, bench.of).await?)?,
        few_headers: apart(terse, limited::keys(&terse.control()?, bench.of, &json!({})).await?)?,
        bearers,
        callers,
        calls: if bench.calls { calls::modules(control.data())? } else { Vec::new() },
        others: bench.with.clone(),
        other_services: bench.with_services.clone(),
        noop_module: Module::Noop.path()?.display().to_string(),
        portcullis_module: Module::Portcullis.path()?.display().to_string(),
        egress_module: Module::Egress.path()?.display().to_string(),
        portcullis_configuration: control.plugin_configuration()?,
        authority_port: Ports::free()?.edge,
        control_port: control.setup.ports.control,
    })
}

fn apart(stack: &Stack, keys: Vec<String>) -> anyhow::Result<Apart> {
    Ok(Apart { keys, configuration: stack.plugin_configuration()?, control_port: stack.setup.ports.control })
}

/// A key with its random part backwards: as well formed, and nobody's.
fn backwards(key: &str) -> String {
    let body = key.rfind('_').map_or(0, |place| place + 1);
    let (prefix, body) = key.split_at(body);
    prefix.chars().chain(body.chars().rev()).collect()
}

async fn envoy(
    control: &Stack,
    name: &str,
    config: &Value,
    admin: u16,
    instrument: Instrument,
) -> anyhow::Result<Process> {
    let (file, log) = (control.log(&format!("{name}.yaml")), control.log(&format!("{name}.log")));
    stack::write_private(&file, &config.to_string())?;
    let mut process = match instrument {
        Instrument::None => stack::spawn_envoy(&file, 1, &log)?,
        Instrument::Callgrind => {
            let counts = format!("--callgrind-out-file={}", control.log(&format!("{name}.callgrind")).display());
            let fixed = ["--tool=callgrind", "--instr-atstart=no", &counts, &tools::envoy()?.display().to_string()];
            let arguments = [&fixed.map(str::to_owned)[..], &stack::envoy_arguments(&file, 1)].concat();
            Process::spawn("Envoy", &tools::valgrind()?, &arguments, &log)?
        }
    };
    stack::wait_live(&mut process, local(admin), instrument.limit()).await?;
    Ok(process)
}
