//! A control plane that serves `/edge/v1` from memory, and lies when a test wants it to.
//!
//! It builds nothing itself: a test publishes a [`TestBundle`]. Invariant: it answers a poll only when it has something
//! newer, so a settled process has exactly its polls in flight.

use std::cell::RefCell;
use std::collections::BTreeMap;

use portcullis_testkit::TestBundle;

use crate::answer::Answer;
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
}

#[derive(Default)]
struct Seen {
    lines: Vec<String>,
    reports: Vec<serde_json::Value>,
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

    /// What was asked so far, as `METHOD /path`, and forgets it.
    pub fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.borrow_mut().lines)
    }

    /// The reports received so far, and forgets them.
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
        Some((self.lie)(callout, answer))
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
            let report = serde_json::from_slice(&callout.body);
            return Some(match report {
                Ok(report) => {
                    self.seen.borrow_mut().reports.push(report);
                    response(204, Vec::new())
                }
                Err(_) => response(400, Vec::new()),
            });
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
