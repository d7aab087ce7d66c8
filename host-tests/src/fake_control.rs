//! A control plane that serves `/edge/v1` from memory, and lies when a test wants it to.
//!
//! It builds nothing itself: a test publishes a [`TestBundle`]. Invariant: it answers a poll only when it has something
//! newer, so a settled process has exactly its polls in flight.

use std::cell::RefCell;
use std::collections::BTreeMap;

use portcullis_testkit::TestBundle;

use crate::answer::Answer;
use crate::fake_ledger::Ledger;
use crate::process::Process;
use crate::world::Callout;

/// Ticks within which a process that is not in a loop is quiet.
const PATIENCE: usize = 200;

/// Changes an answer on its way, or lets it through.
type Lie = Box<dyn Fn(&Callout, Answer) -> Answer>;

/// The control plane's side of `/edge/v1`.
pub struct ControlPlane {
    token: String,
    current: Option<(u64, Vec<u8>)>,
    blobs: BTreeMap<String, Vec<u8>>,
    lie: Lie,
    /// Answers polls that have nothing newer, as when their wait is over.
    waits_over: bool,
    seen: RefCell<Seen>,
    ledger: RefCell<Ledger>,
    /// An older one: it has never heard of leases.
    knows_no_leases: bool,
}

#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    reports: Vec<serde_json::Value>,
    /// The last batch that was applied, by process and VM.
    batches: BTreeMap<(String, String), u64>,
}

impl ControlPlane {
    /// One without a bundle yet, for edges that show this token.
    #[must_use]
    pub fn new(token: &str) -> Self {
        Self {
            token: token.to_owned(),
            current: None,
            blobs: BTreeMap::new(),
            lie: Box::new(|_, answer| answer),
            waits_over: false,
            seen: RefCell::default(),
            ledger: RefCell::default(),
            knows_no_leases: false,
        }
    }

    /// Publishes a version; the blobs of earlier ones stay.
    pub fn publish(&mut self, bundle: &TestBundle) {
        self.current = Some((bundle.manifest.version, bundle.signed.as_bytes().to_vec()));
        self.blobs.extend(bundle.blobs.iter().map(|blob| (blob.digest().to_string(), blob.bytes().to_vec())));
    }

    /// Publishes bytes as the manifest of a version, whatever they are.
    pub fn publish_raw(&mut self, version: u64, manifest: Vec<u8>) {
        self.current = Some((version, manifest));
    }

    /// From now on every answer passes through `lie`.
    pub fn lie(&mut self, lie: impl Fn(&Callout, Answer) -> Answer + 'static) {
        self.lie = Box::new(lie);
    }

    /// Tells the truth again.
    pub fn repent(&mut self) {
        self.lie(|_, answer| answer);
    }

    /// Whether polls that have nothing newer are answered all the same, as when their wait is over.
    pub fn end_waits(&mut self, over: bool) {
        self.waits_over = over;
    }

    /// From now on edges must show another token.
    pub fn rotate_token(&mut self, token: &str) {
        token.clone_into(&mut self.token);
    }

    /// Gives a subject so many tokens for a period.
    pub fn meter(&self, subject: &str, limit: u64, period: u64, ends: u64) {
        self.ledger.borrow_mut().set(subject, limit, period, ends);
    }

    /// What was granted of a subject's tokens and not given back.
    #[must_use]
    pub fn charged(&self, subject: &str) -> u64 {
        self.ledger.borrow().charged(subject)
    }

    /// Whether every process is to give everything back.
    pub fn drain(&self, drain: bool) {
        self.ledger.borrow_mut().drain = drain;
    }

    /// Forgets that there are leases, as an older version.
    pub fn forget_leases(&mut self) {
        self.knows_no_leases = true;
    }

    /// What was asked so far, as `METHOD /path`, and forgets it.
    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.borrow_mut().lines)
    }

    /// The reports applied so far, and forgets them.
    pub fn take_reports(&self) -> Vec<serde_json::Value> {
        std::mem::take(&mut self.seen.borrow_mut().reports)
    }

    /// The answer, or `None` while the poll waits.
    #[must_use]
    pub fn answer_to(&self, callout: &Callout) -> Option<Answer> {
        let line = callout.line();
        let answer = if callout.headers.text("authorization") == Some(format!("Bearer {}", self.token)) {
            self.route(&line, callout)?
        } else {
            response(401, Vec::new())
        };
        self.seen.borrow_mut().lines.push(line);
        let answer = (self.lie)(callout, answer);
        if callout.line() == "POST /edge/v1/report" && may_have_arrived(&answer) {
            self.apply(&callout.body);
        }
        Some(answer)
    }

    /// Takes a report in, unless it is a batch that was applied already.
    fn apply(&self, body: &[u8]) {
        let Ok(report) = serde_json::from_slice::<serde_json::Value>(body) else { return };
        let member = |name: &str| report.get(name).cloned().unwrap_or_default();
        let text = |name: &str| member(name).as_str().unwrap_or_default().to_owned();
        let (stream, seq) = ((text("boot"), text("vm")), member("seq").as_u64().unwrap_or_default());
        let mut seen = self.seen.borrow_mut();
        let last = seen.batches.entry(stream).or_default();
        if seq == 0 || seq > *last {
            *last = seq.max(*last);
            seen.reports.push(report);
        }
    }

    fn route(&self, line: &str, callout: &Callout) -> Option<Answer> {
        if let Some(query) = line.strip_prefix("GET /edge/v1/manifest?") {
            return self.manifest(query);
        }
        if let Some(digest) = line.strip_prefix("GET /edge/v1/blobs/") {
            let blob = self.blobs.get(digest);
            return Some(blob.map_or_else(|| response(404, Vec::new()), |bytes| response(200, bytes.clone())));
        }
        if line == "POST /edge/v1/report" {
            let report = serde_json::from_slice::<serde_json::Value>(&callout.body);
            return Some(response(if report.is_ok() { 204 } else { 400 }, Vec::new()));
        }
        if line == "POST /edge/v1/leases" && !self.knows_no_leases {
            let request = serde_json::from_slice(&callout.body).unwrap_or_default();
            let answer = self.ledger.borrow_mut().answer(&request);
            return Some(response(200, answer.to_string().into_bytes()));
        }
        Some(response(404, Vec::new()))
    }

    fn manifest(&self, query: &str) -> Option<Answer> {
        let since = query.split('&').find_map(|pair| pair.strip_prefix("since="))?.parse::<u64>().ok()?;
        match &self.current {
            None => Some(response(503, Vec::new())),
            Some((version, _)) if *version <= since && !self.waits_over => None,
            Some((_, bytes)) => Some(response(200, bytes.clone())),
        }
    }
}

/// A broken connection and an answer that came too late say nothing of what was received.
fn may_have_arrived(answer: &Answer) -> bool {
    match answer {
        Answer::Response { status, .. } => (200..300).contains(status),
        Answer::Reset => true,
        Answer::Synthetic(status) => *status == 504,
    }
}

fn response(status: u16, body: Vec<u8>) -> Answer {
    Answer::Response { status, headers: Vec::new(), body }
}

impl Process {
    /// Answers what the control plane answers now. Whether there was anything.
    pub fn deliver(&mut self, plane: &ControlPlane) -> bool {
        let answers: Vec<_> = self
            .callouts()
            .into_iter()
            .filter_map(|call| plane.answer_to(&call).map(|answer| (call, answer)))
            .collect();
        let any = !answers.is_empty();
        for (callout, answer) in answers {
            self.answer(&callout, answer);
        }
        any
    }

    /// Ticks and answers until nothing but waiting polls is in flight. Time stands still meanwhile.
    ///
    /// # Panics
    ///
    /// When it never becomes quiet.
    pub fn settle(&mut self, plane: &ControlPlane) {
        for _ in 0..PATIENCE {
            self.tick_all();
            if !self.deliver(plane) {
                return;
            }
        }
        assert!(self.callouts().is_empty(), "the process never becomes quiet: {:?}", plane.take_asked());
    }
}
