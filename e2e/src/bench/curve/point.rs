//! One point of a curve: a control plane with so many keys, an Envoy before it, and a bare Envoy beside that.
//!
//! Both answer by themselves, so that the filter makes the difference. Invariant: news are measured while the machine is free,
//! CPU and memory after every worker has served.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use portcullis_testkit::Size;
use serde_json::{Value, json};

use super::super::cpu::{self, Places};
use super::super::load::{self, Load};
use super::super::variant;
use super::news::{self, News, part};
use super::requests::spread;
use super::{Column, Effort};
use crate::control::{BATCH, Key};
use crate::edge::Edge;
use crate::ports::{Ports, local};
use crate::process::{Process, memory_of};
use crate::report::percentile;
use crate::stack::{self, Setup, Stack};
use crate::tools::Module;
use crate::{wait, workers};

/// The keys of the smaller of the two loads.
const FEW: usize = 1000;
/// The most scopes of the keys that one request creates, of some twelve bytes each: a request may have four MiB.
const SCOPES: usize = 300_000;
/// How long an Envoy may take until it enforces a million keys.
const ENFORCED: Duration = Duration::from_secs(120);

/// What is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) keys: usize,
    pub(super) workers: u32,
    pub(super) rules: usize,
    pub(super) scopes: usize,
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { keys, workers, rules, scopes } = self;
        write!(f, "{keys} keys, {workers} workers, {rules} rules, {scopes} scopes")
    }
}

/// What was found at a point.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// Microseconds of CPU time a request: bare, all keys in turn, a thousand in turn; by round.
    rounds: [Vec<f64>; 3],
    rss_mb: f64,
    news: News,
}

impl Found {
    pub(super) fn columns(&self) -> Vec<Column> {
        let [bare, all, few] = &self.rounds;
        let added = |used: &[f64]| {
            let differences: Vec<f64> = used.iter().zip(bare).map(|(used, bare)| used - bare).collect();
            Some(percentile(&differences, 0.5))
        };
        vec![
            ("us_bare", Some(percentile(bare, 0.5))),
            ("us_added", added(all)),
            ("us_added_few_keys", added(few)),
            ("rss_mb", Some(self.rss_mb)),
            ("publish_ms_p50", part(&self.news.published, 0.5)),
            ("publish_ms_p99", part(&self.news.published, 0.99)),
            ("propagation_ms_p50", part(&self.news.refused, 0.5)),
            ("propagation_ms_p99", part(&self.news.refused, 0.99)),
        ]
    }
}

/// An Envoy under measurement.
struct Subject {
    process: Process,
    edge: SocketAddr,
    admin: SocketAddr,
}

pub(super) async fn measure(setting: Setting, effort: Effort) -> anyhow::Result<Found> {
    let Setting { keys, workers, rules, scopes } = setting;
    eprintln!("==> {setting}");
    let size = Size { keys, rules, scopes };
    let stack = control_plane(size).await?;
    let mut lasting = fill(&stack, size).await?;
    let revoked = lasting.split_off(lasting.len().saturating_sub(effort.revocations.min(keys / 2)));
    let bare = subject(&stack, "bare", workers, variant::bare).await?;
    let module = Module::Portcullis.path()?.display().to_string();
    let (plugin, control_port) = (stack.plugin_configuration()?, stack.setup.ports.control);
    let ours = |edge, admin| variant::ours(&module, &plugin, control_port, edge, admin);
    let ours = subject(&stack, "portcullis", workers, ours).await?;
    let mut probes = workers::one_each(ours.edge, ours.admin, workers).await?;
    let newest = revoked.last().or(lasting.last()).context("no keys")?;
    for probe in &mut probes {
        let request = super::super::tokens::request(Size::PATH, &newest.text);
        wait::until("enforcement", ENFORCED, async || Ok((probe.send(&request).await?.status == 200).then_some(())))
            .await?;
    }
    let (control, token) = (stack.control()?, stack.secret("edge-token")?);
    let edge = Edge::open(control.address, &token).await?;
    let news = news::measure(&control, edge, &mut probes, Size::PATH, &revoked).await?;
    let texts: Vec<String> = lasting.into_iter().map(|key| key.text).collect();
    let rounds = rounds(&bare, &ours, &texts, effort)?;
    Ok(Found { rounds, rss_mb: memory_of(ours.process.id())?.now_mb, news })
}

async fn control_plane(size: Size) -> anyhow::Result<Stack> {
    let mut stack = Stack::new(Setup::preset("systemprompt")?)?;
    stack.start_control_with(&size.policy()).await?;
    Ok(stack)
}

async fn fill(stack: &Stack, size: Size) -> anyhow::Result<Vec<Key>> {
    let control = stack.control()?;
    if size.scopes == 1 {
        return control.fill(size.keys).await;
    }
    let body = json!({ "name": "bench", "environment": "production", "scopes": size.key_scopes() });
    let most = BATCH.min(SCOPES / size.scopes.max(1)).max(1);
    let mut keys = Vec::with_capacity(size.keys);
    while keys.len() < size.keys {
        let batch = vec![body.clone(); most.min(size.keys - keys.len())];
        // Their records name all of their scopes.
        let made = control.create_many(batch).await?;
        keys.extend(made.into_iter().map(|key| Key { record: Value::Null, ..key }));
    }
    Ok(keys)
}

async fn subject(
    stack: &Stack,
    name: &str,
    workers: u32,
    configuration: impl Fn(u16, u16) -> Value,
) -> anyhow::Result<Subject> {
    let Ports { edge, admin, .. } = Ports::free()?;
    let (file, log) = (stack.log(&format!("{name}.yaml")), stack.log(&format!("{name}.log")));
    stack::write_private(&file, &configuration(edge, admin).to_string())?;
    let mut process = stack::spawn_envoy(&file, workers, &log)?;
    stack::wait_live(&mut process, local(admin), stack::START).await?;
    Ok(Subject { process, edge: local(edge), admin: local(admin) })
}

/// Microseconds a request: bare, with all keys, with few.
fn rounds(bare: &Subject, ours: &Subject, keys: &[String], effort: Effort) -> anyhow::Result<[Vec<f64>; 3]> {
    let places = Places::find()?;
    for subject in [bare, ours] {
        places.map_or(Ok(()), |places| places.put_envoy(subject.process.id()))?;
    }
    let mut rounds = [const { Vec::new() }; 3];
    for round in 0..effort.rounds {
        eprintln!("==> round {} of {}", round + 1, effort.rounds);
        // Warmed with other keys, if there are others.
        let load = |count, round| Load { requests: spread(Size::PATH, keys, count, round), status: 200 };
        let [before, all] = [2 * round, 2 * round + 1].map(|it| load(effort.requests, it));
        let few = load(FEW, 0);
        for (used, (subject, before, requests)) in
            rounds.iter_mut().zip([(bare, &few, &few), (ours, &before, &all), (ours, &few, &few)])
        {
            used.push(once(subject, before, requests, effort.requests, places)?);
        }
    }
    Ok(rounds)
}

fn once(
    subject: &Subject,
    before: &Load,
    requests: &Load,
    count: usize,
    places: Option<Places>,
) -> anyhow::Result<f64> {
    load::warm(subject.edge, before, count / 4, places)?;
    let since = cpu::time_of(subject.process.id())?;
    load::run(subject.edge, requests, count, places)?;
    let used = cpu::time_of(subject.process.id())?.saturating_sub(since);
    Ok(used.as_secs_f64() * 1e6 / count as f64)
}
