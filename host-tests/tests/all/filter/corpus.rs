//! The corpus through the module as shipped: the same cases that the engine, real Envoy and `explain` answer.

use std::collections::BTreeMap;

use portcullis_engine::Reason;
use portcullis_host_tests::{Headers, Module, Outcome, Request};
use portcullis_testkit::corpus::{PRESETS, Runner, WireRequest};
use portcullis_testkit::{Outcome as Seen, Seen as Is};

use super::edge::{BY_VARIABLE, Edge, assert_alive, configuration, corpus};

#[test]
fn every_case_of_every_preset() {
    let mut wrong = Vec::new();
    for preset in PRESETS {
        let has_services = !corpus(preset).spec.services.is_empty();
        let module = if has_services { Module::egress() } else { Module::built() }.unwrap();
        let more = if has_services { BY_VARIABLE } else { "" };
        let edge = || Edge::of(corpus(preset), module.clone(), &configuration(more));
        let (mut synced, mut bare) = (edge().with_bundle(), edge());
        let ring = synced.corpus.ring().unwrap();
        for (number, case) in synced.corpus.cases.clone().into_iter().enumerate() {
            let edge = if case.without_policy { &mut bare } else { &mut synced };
            let seen = run(edge, number % 2, &case.request(&ring).unwrap());
            if let Err(mismatch) = case.check(Runner::Host, &ring, &seen) {
                wrong.push(format!("{preset}: {}: {mismatch}", case.name));
            }
        }
        synced.assert_nothing_leaked();
        bare.assert_nothing_leaked();
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

fn run(edge: &mut Edge, worker: usize, wire: &WireRequest) -> Seen {
    let before = edge.process.metrics();
    let outcome = edge.process.request(worker, request(wire));
    assert_alive(&format!("{} {:?}", wire.method, wire.path.as_deref().map(String::from_utf8_lossy)), &outcome);
    let exchange = edge.process.exchange(worker);
    let (logged, fields) = (exchange.request.clone(), exchange.filter_state.clone());
    edge.process.tick_all();
    let after = edge.process.metrics();
    let counted = Reason::ALL.iter().map(|reason| reason.as_str()).filter(|reason| {
        let name = format!("portcullis.observed.{reason}");
        after.get(&name) > before.get(&name)
    });
    Seen { observed: Is::Is(counted.map(str::to_owned).collect()), ..seen(&outcome, &logged, &fields) }
}

fn request(wire: &WireRequest) -> Request {
    let mut request = Request::new(&wire.method, wire.path.clone().unwrap_or_default()).from(wire.from);
    request.path.clone_from(&wire.path);
    request.headers.clone_from(&wire.headers);
    request
}

/// The request's headers at the end tell whom it is from: to the upstream if allowed, to the access log if not.
fn seen(outcome: &Outcome, logged: &Headers, fields: &BTreeMap<String, Vec<u8>>) -> Seen {
    let told = |name| logged.text(name).into();
    let identified = Seen {
        environment: told("x-portcullis-environment"),
        key_id: told("x-portcullis-key-id"),
        organization: told("x-portcullis-org"),
        scopes: told("x-portcullis-scopes"),
        subject: told("x-portcullis-subject"),
        ..Seen::default()
    };
    match outcome {
        Outcome::Forwarded { headers, .. } if headers.get("x-portcullis-cluster").is_some() => sent(headers, fields),
        Outcome::Forwarded { headers, .. } => {
            let names = headers.iter().map(|(name, _)| String::from_utf8_lossy(name).into_owned());
            Seen {
                status: 200,
                grpc_status: Is::Absent,
                service: Is::Absent,
                forwarded: Is::Is(names.collect()),
                ..identified
            }
        }
        Outcome::Replied { status, details, headers, body, grpc_status } => {
            let plain = headers.iter().filter(|(name, _)| !name.starts_with(b":"));
            let plain = plain.map(|(name, value)| (text(name), text(value))).collect();
            let body = if grpc_status.is_some() { &[][..] } else { &body[..] };
            let answer = Seen::from_http(u16::try_from(*status).unwrap(), plain, body);
            Seen {
                reason: details.strip_prefix("portcullis.").map(str::to_owned).into(),
                environment: identified.environment,
                key_id: identified.key_id,
                organization: identified.organization,
                scopes: identified.scopes,
                subject: identified.subject,
                ..answer
            }
        }
        other => panic!("{other:?}"),
    }
}

/// What a service gets tells nothing of the caller; the access log has it from elsewhere.
fn sent(headers: &Headers, fields: &BTreeMap<String, Vec<u8>>) -> Seen {
    let all: Vec<_> = headers.iter().map(|(name, value)| (text(name), text(value))).collect();
    let call = fields.get("portcullis_call").map(|value| text(value)).unwrap_or_default();
    let told = |place| call.split(' ').nth(place).map(str::to_owned).into();
    let ours = all.iter().filter(|(name, _)| name.starts_with("x-portcullis-") && name != "x-portcullis-cluster");
    Seen {
        status: 200,
        grpc_status: Is::Absent,
        key_id: told(1),
        organization: told(2),
        service: headers.text("x-portcullis-cluster").into(),
        sent_path: headers.text(":path").into(),
        sent_host: headers.text(":authority").into(),
        forwarded: Is::Is(all.iter().map(|(name, _)| name.clone()).collect()),
        defects: ours.map(|(name, _)| format!("a service is told `{name}`")).collect(),
        sent_headers: Is::Is(all),
        ..Seen::default()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
