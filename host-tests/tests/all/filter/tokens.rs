//! Access tokens in the module as shipped: what is kept of them, what empties it, and that no bytes can harm.

use std::net::Ipv4Addr;
use std::time::Duration;

use portcullis_engine::record::KeyStatus;
use portcullis_host_tests::{Answer, Module, Outcome, Request, VmId};
use portcullis_testkit::mint::{KnownToken, Tampered};
use serde_json::json;

use super::edge::{Edge, assert_alive, configuration, corpus};

/// Far below what any signature takes, far above what a token takes that is known.
const VERIFIES: u64 = 200_000;

fn edge_of(more: &str) -> Edge {
    Edge::of(corpus("scope"), Module::built().unwrap(), &configuration(more)).with_bundle()
}

fn asking(token: &str) -> Request {
    Request::get("/v1/documents").bearer(token)
}

fn token(edge: &Edge, name: &str) -> String {
    edge.corpus.ring().unwrap().token(name).unwrap().to_owned()
}

fn mint(edge: &Edge, known: serde_json::Value) -> String {
    edge.corpus.mint(&serde_json::from_value::<KnownToken>(known).unwrap()).unwrap()
}

/// What a worker makes of a token, and whether it verified the signature for it.
fn ask(edge: &mut Edge, worker: usize, token: &str) -> (String, bool) {
    let outcome = edge.process.request(worker, asking(token));
    let said = match outcome.status() {
        Some(200) => "200".to_owned(),
        _ => outcome.details().trim_start_matches("portcullis.").to_owned(),
    };
    (said, edge.process.exchange(worker).fuel > VERIFIES)
}

#[track_caller]
fn check(edge: &mut Edge, token: &str, expected: (&str, bool)) {
    let (said, verified) = ask(edge, 0, token);
    assert_eq!((said.as_str(), verified), expected, "what was said, and whether a signature was verified");
}

#[test]
fn a_token_is_verified_once_in_each_worker() {
    let mut edge = edge_of("");
    let token = token(&edge, "service");
    for (worker, verified) in [(0, true), (0, false), (1, true), (1, false), (0, false)] {
        assert_eq!(ask(&mut edge, worker, &token), ("200".to_owned(), verified), "worker {worker}");
    }
    edge.assert_nothing_leaked();
}

#[test]
fn a_revoked_credential_takes_its_tokens_along_within_a_tick() {
    let mut edge = edge_of("");
    let token = token(&edge, "service");
    check(&mut edge, &token, ("200", true));
    check(&mut edge, &token, ("200", false));
    edge.publish(2, |corpus| corpus.keys.get_mut("service").unwrap().status = KeyStatus::Revoked);
    while edge.process.deliver(&edge.plane) {}
    edge.process.tick(VmId::Worker(0));
    check(&mut edge, &token, ("token_revoked", false));
}

#[test]
fn what_the_record_says_now_counts() {
    let mut edge = edge_of("");
    let token = token(&edge, "service");
    let scopes = |edge: &mut Edge| {
        let outcome = edge.process.request(0, asking(&token));
        outcome.upstream().map(|headers| headers.text("x-portcullis-scopes").unwrap_or_default())
    };
    assert_eq!(scopes(&mut edge).as_deref(), Some("documents:read documents:write indexes:read searches:run"));
    edge.publish(2, |corpus| {
        corpus.keys.get_mut("service").unwrap().scopes = vec!["documents:*".to_owned()];
    });
    edge.process.settle(&edge.plane);
    assert_eq!(scopes(&mut edge).as_deref(), Some("documents:read documents:write"));
    edge.publish(3, |corpus| corpus.keys.get_mut("service").unwrap().scopes = vec!["indexes:read".to_owned()]);
    edge.process.settle(&edge.plane);
    check(&mut edge, &token, ("insufficient_scope", false));
    edge.publish(4, |corpus| drop(corpus.keys.remove("service")));
    edge.process.settle(&edge.plane);
    for _ in 0..2 {
        check(&mut edge, &token, ("unknown_token_subject", false));
    }
    edge.publish(5, |_| ());
    edge.process.settle(&edge.plane);
    check(&mut edge, &token, ("200", false));
}

#[test]
fn an_issuer_that_is_gone_is_believed_no_more_and_the_others_all_the_same() {
    let mut edge = edge_of("");
    let [own, foreign] = ["service", "employee"].map(|name| token(&edge, name));
    for token in [&own, &foreign] {
        check(&mut edge, token, ("200", true));
        check(&mut edge, token, ("200", false));
    }
    // Something else changed: nothing is verified again.
    edge.publish(2, |corpus| corpus.keys.get_mut("bare").unwrap().status = KeyStatus::Disabled);
    edge.process.settle(&edge.plane);
    check(&mut edge, &own, ("200", false));
    edge.publish(3, |corpus| drop(corpus.issuers.remove("login")));
    edge.process.settle(&edge.plane);
    check(&mut edge, &own, ("200", false));
    check(&mut edge, &foreign, ("unknown_token_issuer", false));
    // The same keys under another rule are another issuer's.
    edge.publish(4, |corpus| corpus.spec.tokens.as_mut().unwrap().clock_skew_seconds = 29);
    edge.process.settle(&edge.plane);
    check(&mut edge, &own, ("200", true));
    // The policy takes none any more, and so the bundle has no issuers.
    edge.publish(5, |corpus| {
        corpus.spec.tokens = None;
        corpus.spec.keys = self::corpus("systemprompt").spec.keys;
        corpus.spec.environments.push("live".to_owned());
    });
    edge.process.settle(&edge.plane);
    check(&mut edge, &own, ("tokens_not_accepted", false));
    edge.publish(6, |_| ());
    edge.process.settle(&edge.plane);
    check(&mut edge, &own, ("200", true));
    edge.assert_nothing_leaked();
}

#[test]
fn a_known_token_is_over_when_it_is_over() {
    let mut edge = edge_of("");
    // Twenty seconds from the corpus's time on, of which thirty are what clocks may differ by.
    let token = mint(&edge, json!({ "for": "reader", "scopes": ["documents:read"], "expires_in": -10 }));
    check(&mut edge, &token, ("200", true));
    let left = Duration::from_nanos((edge.corpus.now + 20) * 1_000_000_000 - edge.process.now());
    edge.process.advance(left - Duration::from_millis(1));
    check(&mut edge, &token, ("200", false));
    edge.process.advance(Duration::from_millis(1));
    check(&mut edge, &token, ("expired_token", false));
    check(&mut edge, &token, ("expired_token", false));
    // A clock that is set back far enough is before every token.
    let token = self::token(&edge, "service");
    check(&mut edge, &token, ("200", true));
    edge.process.rewind(Duration::from_secs(120));
    check(&mut edge, &token, ("token_not_yet_valid", false));
}

#[test]
fn ten_thousand_tokens_do_not_fill_a_worker() {
    const COUNT: usize = 10_000;
    const LIMIT: usize = 262_144;
    let mut edge = edge_of(&format!(r#""token_cache_bytes":{LIMIT}"#));
    let known: KnownToken = serde_json::from_value(json!({ "for": "reader", "scopes": ["documents:read"] })).unwrap();
    let mut mint = edge.corpus.mint_by_hand(&known).unwrap();
    let mut minted = |number: usize| {
        mint.payload.insert("jti".to_owned(), json!(format!("{number:022}")));
        mint.sign(Tampered::No).unwrap()
    };
    let mut at_first = 0;
    for number in 0..COUNT {
        let (said, verified) = ask(&mut edge, 0, &minted(number));
        assert_eq!((said.as_str(), verified), ("200", true), "{number}");
        if number == 0 {
            at_first = edge.process.memory_bytes(VmId::Worker(0));
        }
    }
    let grown = edge.process.memory_bytes(VmId::Worker(0)) - at_first;
    println!("{grown} bytes for {COUNT} tokens where {LIMIT} are allowed");
    // Memory comes in pages, and what grows is moved.
    assert!(grown <= LIMIT * 3 / 2, "{grown} bytes more");
    assert_eq!(ask(&mut edge, 0, &minted(COUNT - 1)), ("200".to_owned(), false), "the last one is still known");
    assert_eq!(ask(&mut edge, 0, &minted(0)), ("200".to_owned(), true), "the first one was displaced");
}

/// Tokens that somebody makes up, each another one, from there: what was said, and how many signatures were verified.
fn forge(edge: &mut Edge, address: &str, count: usize) -> (Vec<String>, usize) {
    let known =
        serde_json::from_value(json!({ "for": "reader", "scopes": ["documents:read"], "tampered": "signature" }));
    let mut mint = edge.corpus.mint_by_hand(&known.unwrap()).unwrap();
    let (mut said, mut verified) = (Vec::new(), 0);
    for number in 0..count {
        mint.payload.insert("jti".to_owned(), json!(format!("{address}/{number}")));
        let token = mint.sign(Tampered::Signature).unwrap();
        let outcome = edge.process.request(0, asking(&token).from(address.parse().unwrap()));
        said.push(outcome.details().trim_start_matches("portcullis.").to_owned());
        verified += usize::from(edge.process.exchange(0).fuel > VERIFIES);
    }
    said.dedup();
    (said, verified)
}

#[test]
fn who_makes_tokens_up_does_not_keep_a_worker_busy() {
    const SOME: &str = "token_signature";
    const MANY: &str = "token_forgeries";
    let mut edge = edge_of("");
    let known = token(&edge, "service");
    check(&mut edge, &known, ("200", true));
    assert_eq!(forge(&mut edge, "192.0.2.1", 1000), (vec![SOME.to_owned(), MANY.to_owned()], 32));
    // Who has a token goes on, wherever that is, and so does whoever else comes.
    let outcome = edge.process.request(0, asking(&known).from("192.0.2.1".parse().unwrap()));
    assert_eq!(outcome.status(), Some(200));
    let other = token(&edge, "narrow");
    check(&mut edge, &other, ("200", true));
    assert_eq!(forge(&mut edge, "192.0.2.2", 1000), (vec![SOME.to_owned(), MANY.to_owned()], 1));
    edge.process.advance(Duration::from_secs(1));
    assert_eq!(forge(&mut edge, "192.0.2.1", 1000), (vec![SOME.to_owned(), MANY.to_owned()], 8));
    let unseen = asking(&token(&edge, "searcher")).from("192.0.2.1".parse().unwrap());
    let Outcome::Replied { status, headers, .. } = edge.process.request(0, unseen) else {
        panic!("it was not refused")
    };
    assert_eq!((status, headers.text("retry-after").as_deref()), (429, Some("5")));
}

/// Bytes that a careless reader of tokens would trip over.
fn nasty(good: &str) -> Vec<Vec<u8>> {
    let parts: Vec<&str> = good.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    let deep = |open: &str| {
        use base64::Engine as _;
        let json = format!("{{\"a\":{}", open.repeat(2500 / open.len()));
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json)
    };
    let mut texts: Vec<String> = vec![
        "eyJ.".into(),
        "eyJ..".into(),
        "eyJ...".into(),
        "eyJ.eyJ.eyJ".into(),
        format!("{head}."),
        format!("{head}.."),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!("{head}..{signature}"),
        format!("{head}.{body}.{signature}."),
        format!("{head}.{body}.{signature}.{signature}"),
        format!("{head}.{body}.{signature}="),
        format!("{head}.{body}.{}", signature.get(1..).unwrap()),
        format!("{head}.{body}.{signature}AAAA"),
        format!("{head}.{body}.{}", "A".repeat(2000)),
        format!("{head}.{}.{signature}", deep("[")),
        format!("{head}.{}.{signature}", deep("{\"a\":")),
        format!("eyJ{}.{body}.{signature}", "A".repeat(3000)),
        format!("{}.{body}.{signature}", head.to_lowercase()),
        good.replace(['-', '_'], "+"),
        format!("eyJ{}", ".".repeat(4000)),
        format!("eyJ{}", ".A".repeat(30_000)),
    ];
    texts.extend((0..good.len()).step_by(7).map(|cut| good.get(..cut).unwrap().to_owned()));
    let mut values: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    for at in (0..good.len()).step_by(3) {
        for flip in [0x01, 0x20, 0x80] {
            let mut bytes = good.as_bytes().to_vec();
            bytes[at] ^= flip;
            values.push(bytes);
        }
    }
    values
}

#[test]
fn no_bytes_trap_or_pass_for_a_token() {
    let mut edge = edge_of("");
    let mut addresses = (0x0a00_0000..).map(Ipv4Addr::from_bits);
    for name in ["service", "es256", "employee"] {
        let good = token(&edge, name);
        assert_eq!(edge.process.request(0, asking(&good)).status(), Some(200), "{name}");
        for (number, value) in nasty(&good).into_iter().enumerate() {
            // Each from another address, and not too many a second, or the first would keep the others from being read.
            if number % 100 == 99 {
                edge.process.advance(Duration::from_secs(1));
            }
            let request = Request::get("/v1/documents").header("authorization", [b"Bearer ", &value[..]].concat());
            let request = request.from(addresses.next().unwrap().into());
            let outcome = edge.process.request(0, request);
            let why = format!("{name}: {}", value[..value.len().min(60)].escape_ascii());
            assert_alive(&why, &outcome);
            assert!(matches!(outcome, Outcome::Replied { .. }), "{why} was let through");
            assert_ne!(outcome.status(), Some(429), "{why} was not looked at");
        }
    }
    assert!(!edge.process.is_dead(VmId::Worker(0)));
    edge.assert_nothing_leaked();
}

#[test]
fn a_token_blob_that_is_malformed_or_missing_changes_nothing() {
    let mut edge = edge_of("");
    let token = token(&edge, "service");
    check(&mut edge, &token, ("200", true));
    let bundle = edge.publish(2, |corpus| drop(corpus.issuers.remove("login")));
    let digest = bundle.manifest.tokens.unwrap().digest.to_string();
    edge.plane.lie(move |call, answer| match answer {
        Answer::Response { status, headers, .. } if call.line().ends_with(&digest) => {
            Answer::Response { status, headers, body: b"{}".to_vec() }
        }
        answer => answer,
    });
    edge.run(Duration::from_secs(2));
    check(&mut edge, &token, ("200", false));
    assert!(edge.metric("sync.errors") > 0);
    assert_eq!(edge.metric("bundle.version"), 1);
    edge.plane.repent();
    edge.run(Duration::from_secs(3));
    assert_eq!(edge.metric("bundle.version"), 2);
    check(&mut edge, &token, ("200", false));
}
