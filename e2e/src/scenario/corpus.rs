//! `corpus`: the cases that the engine, the wasm host and `explain` run too, through a real Envoy.
//!
//! Keys come from the control plane, as their text cannot be chosen. Access tokens, forged and foreign ones among them, and skills whose
//! secrets are sealed to keys that are known to all, come with a bundle of their own in Envoy's configuration. The internal reason of a denial is read from the access log. Invariant: no
//! case is skipped.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use portcullis_testkit::{Case, Corpus, KeyKind, KeyRing, KnownKey, Outcome, Runner, Seen};
use serde_json::{Value, json};

use crate::control::{Control, in_seconds};
use crate::demo::Demo;
use crate::http::{Connection, Request, Response};
use crate::report::Report;
use crate::stack::{Setup, Stack};
use crate::{tools, wait};

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    for corpus in Corpus::all(&tools::root()?)? {
        run_corpus(&corpus, report).await.with_context(|| corpus.preset.clone())?;
    }
    Ok(())
}

async fn run_corpus(corpus: &Corpus, report: &mut Report) -> anyhow::Result<()> {
    let stack = Stack::start(Setup::preset(&corpus.preset)?).await?;
    let control = stack.control()?;
    let ring = create_keys(corpus, &control).await?;
    stack.settle(&control).await?;
    let mut orphan = stack.orphan().await?;
    let mut pending = Vec::new();
    let is_bundled = |case: &&Case| case.has_token() || !corpus.skills.is_empty();
    let (bundled, others): (Vec<_>, Vec<_>) = corpus.cases.iter().partition(is_bundled);
    for case in others {
        let on = if case.without_policy { &orphan } else { &stack };
        pending.push((case, on, send(case, &ring, on.edge()).await.with_context(|| case.name.clone())?));
    }
    compare(corpus, &ring, &[&stack, &orphan], &pending, report).await?;
    drop(pending);
    if !bundled.is_empty() {
        run_bundled(corpus, &bundled, &stack, &orphan, report).await?;
    }
    orphan.stop_envoy();
    run_demo(&corpus.preset, &stack, &control, report).await?;
    report.figure(&format!("{}_cases", corpus.preset), corpus.cases.len());
    Ok(())
}

/// An answer to a case, and who gave it.
type Answer<'a> = (&'a Case, &'a Stack, Response);

/// The cases with access tokens, minted by this machine's clock, and those of presets with skills, on an Envoy that has the corpus in its
/// configuration.
async fn run_bundled(
    corpus: &Corpus,
    cases: &[&Case],
    stack: &Stack,
    orphan: &Stack,
    report: &mut Report,
) -> anyhow::Result<()> {
    let now = u64::try_from(jiff::Timestamp::now().as_second())?;
    let corpus = corpus.at(now);
    let bundle = corpus.bundle(1)?.archive();
    let edge = stack.edge_with_bundle(&bundle, &portcullis_testkit::bundle::public_key().to_string()).await?;
    let ring = corpus.ring()?;
    let mut pending = Vec::new();
    for case in cases {
        let on = if case.without_policy { orphan } else { &edge };
        pending.push((*case, on, send(case, &ring, on.edge()).await.with_context(|| case.name.clone())?));
    }
    compare(&corpus, &ring, &[&edge, orphan], &pending, report).await?;
    report.figure(&format!("{}_cases_in_a_bundle", corpus.preset), cases.len());
    Ok(())
}

/// Holds what was answered against what is expected.
async fn compare(
    corpus: &Corpus,
    ring: &KeyRing,
    stacks: &[&Stack],
    pending: &[Answer<'_>],
    report: &mut Report,
) -> anyhow::Result<()> {
    let reasons = reasons(stacks, pending).await?;
    for (case, _, response) in pending {
        let outcome = outcome(case, response, &reasons);
        let what = format!("{}: {}", corpus.preset, case.name);
        report.quiet(what, case.check(Runner::Envoy, ring, &outcome));
    }
    Ok(())
}

/// The lines that `up` prints answer what they say.
async fn run_demo(preset: &str, stack: &Stack, control: &Control, report: &mut Report) -> anyhow::Result<()> {
    let demo = Demo::of(preset)?;
    let keys = demo.create_keys(control, stack.services().ok()).await?;
    stack.settle(control).await?;
    for example in &demo.requests {
        let response = stack.ask(&example.request(&keys)).await?;
        let side = response.json()["side"].as_str().map(|side| format!("{} {side}", response.status));
        let found = side.unwrap_or_else(|| response.gist());
        let differs = || format!("expected {}, found {found}", example.answer);
        let what = format!("{preset}: `up` shows: {}", example.name());
        report.quiet(what, if found == example.answer { Ok(()) } else { Err(differs()) });
    }
    Ok(())
}

async fn create_keys(corpus: &Corpus, control: &Control) -> anyhow::Result<KeyRing> {
    let mut ring = KeyRing::default();
    let mut organizations = BTreeMap::new();
    for (alias, organization) in &corpus.organizations {
        use portcullis_testkit::OrganizationState::{Active, QuotaExhausted, Suspended};
        let state = match organization.state {
            Active => None,
            Suspended => Some(json!("suspended")),
            QuotaExhausted { .. } => Some(json!({ "quota_exhausted_until": in_seconds(3600) })),
        };
        let id = control.organization(alias, state.as_ref()).await?;
        ring.insert_organization(alias, &id);
        organizations.insert(alias.clone(), id);
    }
    let mut latest_expiry = 0;
    let of_here = |known: &&KnownKey| known.kind == KeyKind::ApiKey && corpus.skills.is_empty();
    for known in corpus.keys.values().filter(of_here) {
        let key = control.create(&creation(known, &organizations)?).await.with_context(|| known.alias.clone())?;
        set_status(known, &key.id, control).await?;
        latest_expiry =
            latest_expiry.max(if expires_soon(known) { jiff::Timestamp::now().as_second() + SOON } else { 0 });
        ring.insert(&known.alias, &key.text, &key.id);
    }
    wait::until("the expired keys' expiry", Duration::from_secs(30), async || {
        Ok((jiff::Timestamp::now().as_second() > latest_expiry).then_some(()))
    })
    .await?;
    Ok(ring)
}

/// A key cannot be created expired: it gets this many seconds.
const SOON: i64 = 2;

fn expires_soon(known: &KnownKey) -> bool {
    known.expires_in.is_some_and(|seconds| seconds <= 0)
}

fn creation(known: &KnownKey, organizations: &BTreeMap<String, String>) -> anyhow::Result<Value> {
    let mut body = json!({
        "name": known.alias,
        "environment": known.environment,
        "organization": organizations.get(&known.organization).context("no such organisation")?,
        "scopes": known.scopes,
    });
    if let Some(seconds) = known.expires_in {
        body["expires_at"] = in_seconds(if seconds > 0 { seconds } else { SOON }).into();
    }
    if known.restrictions != Default::default() {
        body["restrictions"] = serde_json::to_value(&known.restrictions)?;
    }
    Ok(body)
}

async fn set_status(known: &KnownKey, id: &str, control: &Control) -> anyhow::Result<()> {
    use portcullis_testkit::KeyStatus::{Active, Disabled, Revoked};
    match known.status {
        Active => {}
        Disabled => drop(control.update(id, &json!({ "enabled": false })).await?),
        Revoked => drop(control.revoke(id).await?),
    }
    Ok(())
}

async fn send(case: &Case, ring: &KeyRing, edge: SocketAddr) -> anyhow::Result<Response> {
    let wire = case.request(ring)?;
    let target = wire.path.unwrap_or_else(|| b"edge.test:443".to_vec());
    let request = Request::new(&wire.method, target);
    let request = wire.headers.into_iter().fold(request, |request, (name, value)| request.header(&name, value));
    Connection::open_from(edge, Some(wire.from)).await?.send(&request).await
}

/// What the access log says of a request, by request id.
type Log = BTreeMap<String, Value>;

/// Waits until the log tells of every answer that carries a request id.
async fn reasons(stacks: &[&Stack], answers: &[Answer<'_>]) -> anyhow::Result<Log> {
    let ids: Vec<&str> = answers.iter().filter_map(|(_, _, response)| response.header("x-request-id")).collect();
    wait::until("the access log's last line", Duration::from_secs(10), async || {
        let lines = stacks.iter().map(|stack| stack.access_log()).collect::<anyhow::Result<Vec<_>>>()?.concat();
        let entry = |line: Value| Some((line["request_id"].as_str()?.to_owned(), line));
        let log: Log = lines.into_iter().filter_map(entry).collect();
        Ok(ids.iter().all(|id| log.contains_key(*id)).then_some(log))
    })
    .await
}

/// All that can be seen from outside: the answer, what the upstream echoed, what the operator's log says.
fn outcome(case: &Case, response: &Response, log: &Log) -> Outcome {
    let body: &[u8] = if case.method == "HEAD" { b"" } else { &response.body };
    let mut outcome = Outcome::from_http(response.status, response.headers.clone(), body);
    if let Some(line) = response.header("x-request-id").and_then(|id| log.get(id)) {
        let text = |name: &str| Seen::from(line[name].as_str().map(str::to_owned));
        if let Some(call) = line["service_call"].as_str() {
            // A service is told nothing of this.
            let word = |place| Seen::from(call.split(' ').nth(place).map(str::to_owned));
            (outcome.key_id, outcome.organization) = (word(1), word(2));
        } else {
            outcome.environment = text("environment");
            outcome.key_id = text("key_id");
            outcome.organization = text("organization");
        }
        if let Some(reason) = line["reason"].as_str().and_then(|it| it.strip_prefix("portcullis.")) {
            outcome.reason = Seen::Is(reason.to_owned());
        }
    }
    if let Some(headers) = response.json()["headers"].as_array() {
        let pair = |it: &Value| Some((it[0].as_str()?.to_owned(), it[1].as_str()?.to_owned()));
        let headers: Vec<(String, String)> = headers.iter().filter_map(pair).collect();
        let told = |name: &str| Seen::from(headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone()));
        outcome.environment = told("x-portcullis-environment");
        outcome.key_id = told("x-portcullis-key-id");
        outcome.organization = told("x-portcullis-org");
        outcome.scopes = told("x-portcullis-scopes");
        outcome.subject = told("x-portcullis-subject");
        outcome.forwarded = Seen::Is(headers.into_iter().map(|(name, _)| name).collect());
    }
    outcome
}
