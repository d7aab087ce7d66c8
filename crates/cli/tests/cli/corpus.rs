//! The corpus through `portcullis explain`: the binary, deciding with a bundle file, must say what every runner says.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use portcullis_testkit::{Case, Corpus, KeyRing, Outcome, Runner, Seen, bundle};
use serde_json::Value;

use crate::run::{portcullis, workspace};

#[test]
fn every_case_is_explained_as_it_is_decided() {
    let folder = tempfile::tempdir().unwrap();
    let mut failures = Vec::new();
    for corpus in Corpus::all(&workspace()).unwrap() {
        let file = folder.path().join(&corpus.preset);
        std::fs::write(&file, corpus.bundle(1).unwrap().archive()).unwrap();
        let ring = corpus.ring().unwrap();
        for case in &corpus.cases {
            let outcome = explain(&corpus, case, &ring, &file);
            if let Err(mismatch) = case.check(Runner::Explain, &ring, &outcome) {
                failures.push(format!("{}: {}: {mismatch}", corpus.preset, case.name));
            }
        }
        println!("{}: {} cases", corpus.preset, corpus.cases.len());
    }
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

fn explain(corpus: &Corpus, case: &Case, ring: &KeyRing, file: &Path) -> Outcome {
    let request = case.request(ring).unwrap();
    let now = jiff::Timestamp::from_second(corpus.now.try_into().unwrap()).unwrap();
    let mut command = portcullis();
    command.args(["explain", "--json", "--method", &request.method, "--now", &now.to_string()]);
    command.args(["--from", &request.from.to_string()]);
    if case.without_policy {
        command.arg("--without-policy");
    } else {
        command.args(["--public-key", &bundle::public_key().to_string(), "--bundle"]).arg(file);
    }
    if let Some(path) = request.path {
        command.arg("--path").arg(OsString::from_vec(path));
    }
    for (name, value) in request.headers {
        command.arg("--header").arg(OsString::from_vec([name.as_bytes(), b": ", &value].concat()));
    }
    let output = command.output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let outcome = read(&said);
    let code = if outcome.code == Seen::Unseen { 0 } else { 3 };
    let mut defects = Vec::new();
    if output.status.code() != Some(code) {
        defects.push(format!("exit code {:?}: {}", output.status.code(), String::from_utf8_lossy(&output.stderr)));
    }
    Outcome { defects, ..outcome }
}

/// What `--json` says, as the corpus compares it.
fn read(said: &Value) -> Outcome {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let words = |value: &Value| value.as_array().into_iter().flatten().filter_map(text).collect::<Vec<_>>();
    let identity = &said["identity"];
    let known = identity.is_object();
    let common = Outcome {
        environment: text(&identity["environment"]).into(),
        key_id: text(&identity["key"]).into(),
        organization: text(&identity["organization"]).into(),
        scopes: known.then(|| words(&identity["scopes"]).join(" ")).into(),
        ..Outcome::default()
    };
    if said["decision"] == "allow" {
        return Outcome {
            status: 200,
            grpc_status: Seen::Absent,
            observed: Seen::Is(words(&said["observed"])),
            ..common
        };
    }
    let grpc_status = said["grpc_status"].as_u64().and_then(|status| u32::try_from(status).ok());
    let status = said["status"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default();
    Outcome {
        status: if grpc_status.is_some() { 200 } else { status },
        grpc_status: grpc_status.into(),
        code: text(&said["code"]).into(),
        reason: text(&said["reason"]).into(),
        message: text(&said["message"]).into(),
        ..common
    }
}
