//! `bench envoy`: what each way of checking a key adds to Envoy's own CPU time per request.
//!
//! All Envoys run at once, one worker each; every round measures each of them, in turn. An addition is the median of
//! the rounds' differences from the bare Envoy, so that a machine that changes its pace between rounds changes little.

use std::net::SocketAddr;
use std::process::ExitCode;

use serde_json::{Map, Value, json};

use super::cpu::Places;
use super::lineup::{Instrument, Lineup};
use super::load::Load;
use super::variant::{Ingredients, Variant};
use super::{Bench, cpu, load};
use crate::process::Process;
use crate::report::{percentile, rounded};

/// What an organisation's quota and its keys' rates may add, in microseconds.
pub(super) const MOST_LIMITS: f64 = 0.6;
/// What the filter may add, in terms of what a wasm filter that does nothing adds.
pub(super) const MOST_NOOPS: f64 = 1.5;
/// What a request with a token that was verified before may cost in all, in terms of one with an API key.
pub(super) const MOST_TOKEN: f64 = 1.2;
/// What a token may add that was never seen, in microseconds.
pub(super) const MOST_FIRST: f64 = 250.0;
/// What putting a service's credential in may add to a request that is allowed anyway, in microseconds.
pub(super) const MOST_SERVICE: f64 = 1.5;
/// And in terms of a call to a service.
pub(super) const MOST_EXT_AUTHZ: f64 = 1.0 / 8.0;

/// One Envoy under measurement.
struct Subject {
    variant: Variant,
    process: Process,
    edge: SocketAddr,
    load: Load,
    /// Microseconds a request, by round.
    rounds: Vec<f64>,
}

/// What a variant costs, in microseconds a request.
struct Cost {
    variant: Variant,
    total: f64,
    added: f64,
    /// Beyond ours for keys without limits; of requests to services, beyond ours in the same build.
    beyond: f64,
}

pub(super) async fn run(bench: Bench) -> anyhow::Result<ExitCode> {
    let Bench { rounds, requests, in_turn, .. } = bench;
    anyhow::ensure!(rounds > 0 && requests > 0 && in_turn > 0, "nothing to measure");
    let lineup = Lineup::start(&bench).await?;
    let mut subjects = Vec::new();
    for &variant in &lineup.wanted {
        let (process, edge) = lineup.envoy(variant, Instrument::None).await?;
        subjects.push(Subject { variant, process, edge, load: lineup.load(variant, in_turn), rounds: Vec::new() });
    }
    measure(&mut subjects, bench.of, rounds, requests)?;
    Ok(conclude(&costs(&subjects), &lineup.ingredients, bench.json))
}

fn measure(subjects: &mut [Subject], keys: usize, rounds: usize, requests: usize) -> anyhow::Result<()> {
    let places = Places::find()?;
    for subject in subjects.iter() {
        places.map_or(Ok(()), |places| places.put_envoy(subject.process.id()))?;
        // Every key once before anything is measured.
        load::warm(subject.edge, &subject.load, keys, places)?;
    }
    for round in 1..=rounds {
        eprintln!("==> round {round} of {rounds}");
        for subject in subjects.iter_mut() {
            load::warm(subject.edge, &subject.load, requests / 4, places)?;
            let before = cpu::time_of(subject.process.id())?;
            load::run(subject.edge, &subject.load, requests, places)?;
            let used = cpu::time_of(subject.process.id())?.saturating_sub(before);
            subject.rounds.push(used.as_secs_f64() * 1e6 / requests as f64);
        }
    }
    Ok(())
}

fn costs(subjects: &[Subject]) -> Vec<Cost> {
    let rounds = |variant| subjects.iter().find(|it| it.variant == variant).map_or(&[][..], |it| &it.rounds);
    let beyond = |subject: &Subject, from: &[f64]| {
        let differences: Vec<f64> = subject.rounds.iter().zip(from).map(|(used, from)| used - from).collect();
        percentile(&differences, 0.5)
    };
    let cost = |subject: &Subject| Cost {
        variant: subject.variant,
        total: percentile(&subject.rounds, 0.5),
        added: beyond(subject, rounds(Variant::Bare)),
        beyond: beyond(
            subject,
            rounds(match subject.variant {
                Variant::Services | Variant::OtherServices(_) => Variant::BesideServices,
                _ => Variant::Portcullis,
            }),
        ),
    };
    subjects.iter().map(cost).collect()
}

fn conclude(costs: &[Cost], from: &Ingredients, as_json: bool) -> ExitCode {
    let noop = costs.iter().find(|it| it.variant == Variant::Noop).map_or(f64::NAN, |it| it.added);
    println!("{:16}{:>12}{:>12}{:>12}{:>12}", "", "us/request", "added us", "x no-op", "beyond ours");
    for Cost { variant, total, added, beyond } in costs {
        let name = variant.name(from);
        println!("{name:16}{total:>12.2}{added:>12.2}{:>12}{:>12}", cell(added / noop), cell(*beyond));
    }
    // Of what was not measured there is nothing to tell.
    for (what, figure) in findings(costs).iter().filter(|(_, figure)| !figure.is_nan()) {
        println!("{what} {figure:.2}");
    }
    let goals: Vec<_> = goals(costs).into_iter().filter(|(_, share)| !share.is_nan()).collect();
    for (what, share) in &goals {
        println!("{} {what}", if *share <= 1.0 { "ok  " } else { "FAIL" });
    }
    if as_json {
        let named = |cost: &Cost| (cost.variant.name(from).to_owned(), figures(cost, noop));
        let variants: Map<String, Value> = costs.iter().map(named).collect();
        println!("{}", json!({ "variants": variants }));
    }
    if goals.iter().all(|(_, share)| *share <= 1.0) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Compared with what was not measured, there is nothing to tell.
pub(super) fn cell(figure: f64) -> String {
    if figure.is_nan() { "-".to_owned() } else { format!("{figure:.2}") }
}

/// What was found about one variant; not a number if it was not measured.
fn of(costs: &[Cost], variant: Variant, what: impl Fn(&Cost) -> f64) -> f64 {
    costs.iter().find(|cost| cost.variant == variant).map_or(f64::NAN, what)
}

fn findings(costs: &[Cost]) -> Vec<(&'static str, f64)> {
    let beyond = |variant| of(costs, variant, |cost| cost.beyond);
    let total = |variant| of(costs, variant, |cost| cost.total);
    let key = total(Variant::BesideTokens);
    vec![
        ("us that a quota adds:", beyond(Variant::Quota)),
        ("us that a quota and a rate of the organisation add:", beyond(Variant::Limited)),
        ("us that a quota and a rate of each key add:", beyond(Variant::KeyRates)),
        ("us that telling of limits on each answer adds:", beyond(Variant::Told) - beyond(Variant::Limited)),
        ("x an API key for a token seen before:", total(Variant::Tokens) / key),
        ("us for a token that is verified:", total(Variant::NewTokens) - key),
        ("us for a service's credential and looking for it in the answer:", beyond(Variant::Services)),
    ]
}

/// Goals, and how much of what is allowed each takes.
fn goals(costs: &[Cost]) -> Vec<(String, f64)> {
    let added = |variant| of(costs, variant, |cost| cost.added);
    let beyond = |variant| of(costs, variant, |cost| cost.beyond);
    let total = |variant| of(costs, variant, |cost| cost.total);
    let (key, ours) = (total(Variant::BesideTokens), added(Variant::Portcullis));
    vec![
        (format!("a service's credential adds at most {MOST_SERVICE:.1} us"), beyond(Variant::Services) / MOST_SERVICE),
        (
            format!("a token seen before costs at most {MOST_TOKEN:.1} x an API key"),
            total(Variant::Tokens) / key / MOST_TOKEN,
        ),
        (
            format!("a token verified for the first time takes at most {MOST_FIRST:.0} us"),
            (total(Variant::NewTokens) - key) / MOST_FIRST,
        ),
        (
            format!("portcullis adds at most {MOST_NOOPS:.1} x what the no-op adds"),
            ours / added(Variant::Noop) / MOST_NOOPS,
        ),
        (
            "portcullis adds at most 1/8 of what ext_authz adds".to_owned(),
            ours / added(Variant::ExtAuthz) / MOST_EXT_AUTHZ,
        ),
        (
            "a request that is refused costs less than one that is let through".to_owned(),
            total(Variant::Rejected) / total(Variant::Portcullis),
        ),
        (format!("a quota and a rate limit add at most {MOST_LIMITS:.1} us"), beyond(Variant::Limited) / MOST_LIMITS),
    ]
}

fn figures(cost: &Cost, noop: f64) -> Value {
    json!({
        "us_per_request": rounded(cost.total),
        "added_us": rounded(cost.added),
        "x_noop": rounded(cost.added / noop),
        "beyond_portcullis_us": rounded(cost.beyond),
    })
}
