//! One Envoy process with the filter in it, and the control plane it syncs with.

use std::time::Duration;

use portcullis_host_tests::{Config, ControlPlane, Module, Outcome, Process, Request, VmId, workspace};
pub(super) use portcullis_host_tests::{EDGE_TOKEN as TOKEN, plugin_configuration as configuration};
use portcullis_testkit::key::key_id;
use portcullis_testkit::{Corpus, KnownKey, TestBundle, edge_key};

/// A key of the systemprompt corpus that may read, and a request it may make.
pub(super) const READER: &str = "reader";

/// The variable that edges' keys stand in here, and what has the plugin read it.
pub(super) const VARIABLE: &str = "PORTCULLIS_EDGE_KEYS";
pub(super) const BY_VARIABLE: &str = r#""edge_keys_env":"PORTCULLIS_EDGE_KEYS""#;

pub(super) struct Edge {
    pub(super) process: Process,
    pub(super) plane: ControlPlane,
    pub(super) corpus: Corpus,
}

pub(super) fn corpus(preset: &str) -> Corpus {
    Corpus::load(&workspace().join("policies").join(preset)).unwrap()
}

impl Edge {
    /// Two workers that have no bundle yet.
    pub(super) fn new() -> Self {
        Self::of(corpus("systemprompt"), Module::built().unwrap(), &configuration(""))
    }

    pub(super) fn of(corpus: Corpus, module: Module, configuration: &[u8]) -> Self {
        let config = Config {
            plugin_configuration: configuration.to_vec(),
            now: corpus.now * 1_000_000_000,
            environment: [(VARIABLE.to_owned(), edge_key().expose())].into(),
            ..Config::default()
        };
        Self { process: Process::start(&module, config).unwrap(), plane: ControlPlane::new(TOKEN), corpus }
    }

    /// The skills preset with its bundle, on the module that sees answers.
    pub(super) fn of_skills() -> Self {
        Self::of(corpus("skills"), Module::egress().unwrap(), &configuration(BY_VARIABLE)).with_bundle()
    }

    /// With `count` keys more that may do what the reader may: `other-0` and so on.
    pub(super) fn with_more_keys(mut self, count: usize) -> Self {
        let reader = self.corpus.keys[READER].clone();
        let key = |alias: String| KnownKey { id: key_id(&alias), text: alias.clone(), alias, ..reader.clone() };
        let aliases = (0..count).map(|number| format!("other-{number}"));
        self.corpus.keys.extend(aliases.map(|alias| (alias.clone(), key(alias))));
        self
    }

    /// As [`Edge::new`], with version 1 of the corpus's bundle everywhere.
    pub(super) fn synced() -> Self {
        Self::new().with_bundle()
    }

    pub(super) fn with_bundle(mut self) -> Self {
        self.publish(1, |_| ());
        self.process.settle(&self.plane);
        self
    }

    /// Publishes the corpus as that version, after a change.
    pub(super) fn publish(&mut self, version: u64, change: impl FnOnce(&mut Corpus)) -> TestBundle {
        let mut changed = self.corpus.clone();
        change(&mut changed);
        let bundle = changed.bundle(version).unwrap();
        self.plane.publish(&bundle);
        bundle
    }

    /// Lets time pass as in a running process: a tick of every VM, and its answers, each 100 ms.
    pub(super) fn run(&mut self, time: Duration) {
        for _ in 0..time.as_millis() / 100 {
            self.process.advance(Duration::from_millis(100));
            self.process.tick_all();
            while self.process.deliver(&self.plane) {}
        }
    }

    pub(super) fn key(&self, alias: &str) -> String {
        self.corpus.keys[alias].text.clone()
    }

    /// A request that the reader may make.
    pub(super) fn reading(&self) -> Request {
        Request::get("/api/v1/skills").bearer(&self.key(READER))
    }

    /// What becomes of a request, which may wait for what the control plane says.
    pub(super) fn ask(&mut self, worker: usize, request: Request) -> Outcome {
        let outcome = self.process.request(worker, request);
        if outcome != Outcome::Waits {
            return outcome;
        }
        for _ in 0..10 {
            while self.process.deliver(&self.plane) {}
            if let Some(outcome) = self.process.woken(worker).pop() {
                return outcome;
            }
            self.run(Duration::from_millis(100));
        }
        Outcome::Waits
    }

    /// What every worker makes of the reader's request.
    pub(super) fn statuses(&mut self) -> Vec<Option<u32>> {
        let workers = self.process.vm_ids().into_iter().filter_map(|id| match id {
            VmId::Worker(worker) => Some(worker),
            _ => None,
        });
        let request = self.reading();
        workers.collect::<Vec<_>>().into_iter().map(|worker| self.ask(worker, request.clone()).status()).collect()
    }

    pub(super) fn metric(&self, name: &str) -> u64 {
        self.process.metric(&format!("portcullis.{name}")).unwrap_or_default()
    }

    /// Nothing that is secret may be anywhere that others can read, what is reported last included.
    #[track_caller]
    pub(super) fn assert_nothing_leaked(&mut self) {
        self.run(Duration::from_secs(6));
        let mut texts: Vec<Vec<u8>> = self.process.logs().into_iter().map(|line| line.text.into_bytes()).collect();
        texts.extend(self.process.metrics().into_keys().map(String::into_bytes));
        texts.extend(self.process.shared_data().into_iter().flat_map(|(key, value)| [key, value]));
        texts.extend(self.plane.take_reports().iter().map(|report| report.to_string().into_bytes()));
        let keys = self.corpus.keys.values().map(|key| key.text.clone()).filter(|text| !text.is_empty());
        // Of a token what could be looked up, or tried elsewhere: its payload.
        let minted = self.corpus.tokens.values().map(|token| self.corpus.mint(token).unwrap());
        let payloads = minted.filter_map(|token| token.split('.').nth(1).map(str::to_owned));
        let values = self.corpus.secrets.values().map(|secret| secret.value.clone());
        for secret in keys.chain(payloads).chain(values).chain([TOKEN.to_owned(), edge_key().expose()]) {
            let leak = texts.iter().find(|text| text.windows(secret.len()).any(|part| part == secret.as_bytes()));
            assert!(leak.is_none(), "leaked a secret in {}", String::from_utf8_lossy(leak.unwrap()));
        }
    }
}

/// Whether the filter answered as it should whatever happens: no trap, no hanging stream.
#[track_caller]
pub(super) fn assert_alive(why: &str, outcome: &Outcome) {
    assert!(!matches!(outcome, Outcome::Failed503 | Outcome::Waits | Outcome::Closed), "{why}: {outcome:?}");
}
