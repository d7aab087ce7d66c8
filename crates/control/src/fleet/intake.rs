//! Taking in a report: what an edge sent becomes what is kept. Every text in it is somebody else's.
//!
//! Invariant: whatever stands in a report, what is kept of it is bounded, on one line and without keys; what makes no
//! sense is left out and the rest counts.

use portcullis_api::edge::{Denial, Report, Sample, Told};
use portcullis_engine::{KeyId, Reason};
use portcullis_seal::KeyName;

use super::{Fleet, Known, MAX_STRANGE_REASONS, OTHER, plain, usage};
use crate::app::App;
use crate::clock::HOUR;
use crate::error::Error;
use crate::policy::PolicyRoom;
use crate::store::{Batch, Count, DenialRow, Heard, HeardEdge, HeardVm, Noted, SLOT_MS, Seen, Sighting, Stream, add};

const MAX_NAME: usize = 128;
pub(super) const MAX_PLACE: usize = 200;
/// More than an edge has even while keys are exchanged.
const MAX_EDGE_KEYS: usize = 16;
const MAX_ERRORS: usize = 8;
const MAX_ERROR: usize = 300;
/// Of one report.
pub(super) const MAX_REASONS: usize = 64;
const MAX_SAMPLES: usize = 1000;
const MAX_DENIALS: usize = 1000;
/// As far as a VM can count between two reports.
pub(super) const MAX_COUNT: u64 = u32::MAX as u64;

/// More edges, or more VMs of an edge, than are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooManyEdges;

/// Takes a report in. One with a number is stored when this returns, one without soon; whoever asks before that is answered
/// as if it were.
pub(crate) async fn take(app: &App, report: Report) -> Result<Result<(), TooManyEdges>, Error> {
    let policy = app.policy();
    let is_numbered = report.seq > 0;
    let names = [("/edge", &report.edge), ("/vm", &report.vm), ("/boot", &report.boot)];
    for (pointer, name) in names.into_iter().take(if is_numbered { 3 } else { 2 }) {
        if name.is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(Error::invalid(pointer, format!("expected 1 to {MAX_NAME} characters on one line")));
        }
        if policy.spots_secret_in(name) {
            return Err(Error::invalid(pointer, "this looks like a key or a token, which must not be stored"));
        }
    }
    let unread = Unread::of(&report);
    let edge = report.edge.clone();
    let fleet = &app.fleet;
    if fleet.pending().is_full() {
        fleet.settle().await?;
    }
    if !fleet.hear(&policy, report, app.clock.millis()) {
        return Ok(Err(TooManyEdges));
    }
    unread.tell(app, edge);
    fleet.reported.notify_waiters();
    match is_numbered {
        true => fleet.settle().await?,
        false => fleet.heard.notify_one(),
    }
    Ok(Ok(()))
}

/// How much of a report this version cannot read: a newer edge knows more kinds of things to tell.
#[derive(Clone, Copy)]
struct Unread {
    samples: u64,
    denials: u64,
    usage: u64,
}

impl Unread {
    fn of(report: &Report) -> Self {
        fn count<T>(list: &[Told<T>]) -> u64 {
            list.iter().filter(|it| it.known().is_none()).map(|_| 1).sum()
        }
        Self { samples: count(&report.samples), denials: count(&report.denials), usage: count(&report.usage) }
    }

    /// Counts it; the log says so once of an edge.
    fn tell(self, app: &App, edge: String) {
        let Self { samples, denials, usage } = self;
        app.metrics.unread([("samples", samples), ("denials", denials), ("usage", usage)]);
        if samples + denials + usage > 0 && app.fleet.known().newer.insert(edge.clone()) {
            tracing::warn!(%edge, samples, denials, usage, "this edge tells what this version cannot read; the rest counts");
        }
    }
}

impl Fleet {
    /// `false` if there are too many edges already.
    pub(super) fn hear(&self, policy: &PolicyRoom, report: Report, now_ms: u64) -> bool {
        let mut known = self.known();
        if !known.admit(&report.edge, &report.vm, now_ms) {
            known.forget_gone(now_ms);
            if !known.admit(&report.edge, &report.vm, now_ms) {
                return false;
            }
        }
        let mut all = Noted::default();
        let strangers = usage::note(policy, &mut known, &report, now_ms, &mut all);
        let edge = counted(policy, &mut known, &report, now_ms);
        drop(known);
        self.metrics.strangers(strangers);
        note(policy, &report, edge, now_ms / 1000, &mut all);
        let present = present(&report, now_ms);
        let mut pending = self.pending();
        if report.seq > 0 {
            let stream = Stream { edge: report.edge, boot: report.boot, vm: report.vm };
            pending.queue(stream, report.seq, Batch { at: now_ms / 1000, present, noted: all });
        } else {
            all.heard.absorb(present);
            pending.note(all);
        }
        true
    }
}

/// What is so however often it is told.
fn present(report: &Report, now_ms: u64) -> Heard {
    let vm = HeardVm {
        reported_at_ms: now_ms,
        bundle_age_seconds: report.bundle_age_seconds,
        edge_keys: report.edge_keys.as_deref().map(key_names),
        versions: [(report.applied_version, now_ms)].into(),
    };
    let vms = [(report.vm.clone(), vm)].into();
    let edge = HeardEdge { reported_at_ms: now_ms, vms, ..HeardEdge::default() };
    Heard { edges: [(report.edge.clone(), edge)].into(), ..Heard::default() }
}

/// The keys that an edge has. It may have some that are not here, or not any more.
fn key_names(told: &[String]) -> std::collections::BTreeSet<KeyName> {
    told.iter().take(MAX_EDGE_KEYS).filter_map(|it| it.parse().ok()).collect()
}

/// What the edge counted.
fn counted(policy: &PolicyRoom, known: &mut Known, report: &Report, now_ms: u64) -> HeardEdge {
    let mut edge = HeardEdge { reported_at_ms: now_ms, ..HeardEdge::default() };
    edge.counts = counts(policy, known, report);
    let requests = |(count, number): (&Count, &u64)| match count {
        Count::Allowed | Count::Denied(_) => *number,
        Count::Observed(_) | Count::Unsampled => 0,
    };
    let requests: u64 = edge.counts.iter().map(requests).fold(0, u64::saturating_add);
    if requests > 0 {
        edge.requests.insert(now_ms / SLOT_MS, requests);
    }
    let errors = report.errors.iter().take(MAX_ERRORS).map(|it| plain::line(policy, it, MAX_ERROR));
    edge.errors = Some((now_ms, errors.collect::<Vec<_>>())).filter(|(_, errors)| !errors.is_empty());
    edge
}

fn note(policy: &PolicyRoom, report: &Report, edge: HeardEdge, now: u64, all: &mut Noted) {
    add(&mut all.heard.traffic, edge.counts.iter().map(|(it, number)| ((now / HOUR * HOUR, it.clone()), *number)));
    for (id, time) in &report.last_used {
        // An edge may know more keys than this version does, and no key was used in the future.
        let _ = id.parse().map(|key| all.used(key, (*time).min(now)));
    }
    for (id, time) in &report.secrets_used {
        let _ = id.parse().map(|secret| all.used_secret(secret, (*time).min(now)));
    }
    for sample in report.samples.iter().filter_map(Told::known).take(MAX_SAMPLES) {
        let seen = Seen { requests: sample.count.min(MAX_COUNT), first: now, last: now };
        sighting(policy, sample).into_iter().for_each(|it| all.saw(it, seen));
    }
    let denials = report.denials.iter().filter_map(Told::known).take(MAX_DENIALS);
    all.denials = denials.map(|it| denial(policy, &report.edge, it, now)).collect();
    all.heard.edges.insert(report.edge.clone(), edge);
}

fn counts(policy: &PolicyRoom, known: &mut Known, report: &Report) -> std::collections::BTreeMap<Count, u64> {
    let mut counts = std::collections::BTreeMap::new();
    let mut count =
        |it: Count, number: u64| add(&mut counts, [(it, number.min(MAX_COUNT))].into_iter().filter(|it| it.1 > 0));
    count(Count::Allowed, report.allowed);
    count(Count::Unsampled, report.unsampled);
    for (reason, number) in report.denied.iter().take(MAX_REASONS) {
        count(Count::Denied(known.reason(policy, reason)), *number);
    }
    for (reason, number) in report.observed.iter().take(MAX_REASONS) {
        count(Count::Observed(known.reason(policy, reason)), *number);
    }
    counts
}

impl Known {
    /// A reason as it is counted: by its name if this version knows it, or if there are not too many others.
    pub(super) fn reason(&mut self, policy: &PolicyRoom, text: &str) -> String {
        let name = plain::word(policy, text).filter(|name| {
            Reason::from_name(name).is_some()
                || self.strange_reasons.contains(*name)
                || self.strange_reasons.len() < MAX_STRANGE_REASONS
        });
        let Some(name) = name else { return OTHER.to_owned() };
        if Reason::from_name(name).is_none() {
            self.strange_reasons.insert(name.to_owned());
        }
        name.to_owned()
    }
}

fn sighting(policy: &PolicyRoom, sample: &Sample) -> Option<Sighting> {
    let place = |text: Option<&str>| text.map(|it| plain::place(policy, it, MAX_PLACE)).unwrap_or_default();
    Some(Sighting {
        key: sample.key.parse().ok()?,
        kind: sample.kind,
        reason: sample.reason.as_deref().map(|it| reason(policy, it)).unwrap_or_default(),
        address: plain::address(sample.address.as_deref()).unwrap_or_default(),
        referrer: place(sample.referrer.as_deref()),
        method: plain::method(policy, &sample.method),
        path: place(sample.path.as_deref()),
    })
}

fn denial(policy: &PolicyRoom, edge: &str, sent: &Denial, now: u64) -> DenialRow {
    let key: Option<KeyId> = sent.key.as_deref().and_then(|it| it.parse().ok());
    DenialRow {
        id: 0,
        request_id: plain::request_id(policy, sent.request_id.as_deref()),
        at: sent.at.min(now),
        reason: reason(policy, &sent.reason),
        key,
        organization: None,
        method: plain::method(policy, &sent.method),
        path: sent.path.as_deref().map(|it| plain::place(policy, it, MAX_PLACE)),
        address: plain::address(sent.address.as_deref()),
        edge: edge.to_owned(),
    }
}

fn reason(policy: &PolicyRoom, text: &str) -> String {
    plain::word(policy, text).unwrap_or(OTHER).to_owned()
}
