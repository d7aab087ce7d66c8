//! `cargo xtask arrows`: which crate may depend on which. Nothing else is allowed.
//!
//! The table is docs/ARCHITECTURE.md's; this file holds it. Invariant: a crate that is not in the table fails the check.

use anyhow::Context as _;
use serde_json::Value;

use crate::shell;

/// Crate, and the crates of ours that it may use. `portcullis-` is left out; `xtask` has no prefix.
const ARROWS: [(&str, &[&str]); 14] = [
    ("engine", &[]),
    ("token", &[]),
    ("seal", &[]),
    ("policy", &["engine"]),
    ("bundle", &["engine", "token"]),
    ("filter", &["engine", "bundle", "seal", "token"]),
    ("api", &[]),
    ("control", &["api", "bundle", "engine", "policy", "seal", "token"]),
    ("sdk", &["api", "seal"]),
    ("cli", &["api", "bundle", "control", "engine", "policy", "sdk", "seal", "token"]),
    ("testkit", &["bundle", "engine", "policy", "seal", "token"]),
    ("host-tests", &["bundle", "engine", "testkit"]),
    ("e2e", &["api", "bundle", "engine", "sdk", "seal", "testkit", "token"]),
    ("xtask", &[]),
];

/// What only some crates may use, so that nothing heavy or unsafe creeps to where it does not belong.
const FENCED: [(&str, &[&str]); 5] = [
    ("proxy-wasm", &["filter"]),
    ("wasmtime", &["host-tests"]),
    ("sqlx", &["control"]),
    ("axum", &["control", "e2e"]),
    // The control plane sends webhooks with it.
    ("reqwest", &["control", "sdk"]),
];

/// What only a crate's tests may use: the control plane's drive it over real HTTP with its own client.
const DEV_ONLY: [(&str, &str); 1] = [("control", "portcullis-sdk")];

/// Fails with every arrow that is not in the table.
pub(crate) fn check() -> anyhow::Result<()> {
    let metadata = shell::read(shell::cargo().args(["metadata", "--format-version", "1", "--no-deps", "--offline"]))
        .or_else(|_| shell::read(shell::cargo().args(["metadata", "--format-version", "1", "--no-deps"])))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("no packages in cargo's metadata")?;
    let offences: Vec<String> = packages.iter().flat_map(offences).collect();
    anyhow::ensure!(offences.is_empty(), "arrows that are not allowed:\n  {}", offences.join("\n  "));
    Ok(())
}

fn offences(package: &Value) -> Vec<String> {
    let from = short(package["name"].as_str().unwrap_or_default());
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == from) else {
        return vec![format!("{from} is not in the table")];
    };
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies.filter(|it| !is_allowed(from, allowed, it)).map(|it| format!("{from} -> {}", it["name"])).collect()
}

fn is_allowed(from: &str, allowed: &[&str], dependency: &Value) -> bool {
    let name = dependency["name"].as_str().unwrap_or_default();
    if dependency["kind"] == "dev" && DEV_ONLY.contains(&(from, name)) {
        return true;
    }
    if dependency["path"].is_string() {
        let to = short(name);
        // Any test may use the corpus.
        return allowed.contains(&to) || (to == "testkit" && dependency["kind"] == "dev");
    }
    let fence = FENCED.iter().find(|(it, _)| *it == name);
    let inside = fence.is_none_or(|(_, crates)| crates.contains(&from));
    // Host functions exist only inside a proxy: natively the SDK does not link.
    let only_wasm = name != "proxy-wasm" || dependency["target"].as_str().is_some_and(|it| it.contains("wasm32"));
    inside && only_wasm
}

fn short(name: &str) -> &str {
    name.strip_prefix("portcullis-").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_workspace_keeps_to_the_table() {
        check().unwrap();
    }

    fn check_one(package: &str, dependency: Value, expected: &[&str]) {
        let found = offences(&json!({ "name": package, "dependencies": [dependency] }));
        assert_eq!(found, expected, "{package}");
    }

    #[test]
    fn forbidden_arrows_are_found() {
        let ours = |name: &str, kind: Value| json!({ "name": name, "path": "/x", "kind": kind });
        check_one("portcullis-bundle", ours("portcullis-engine", Value::Null), &[]);
        check_one("portcullis-engine", ours("portcullis-bundle", Value::Null), &["engine -> \"portcullis-bundle\""]);
        check_one("portcullis-engine", ours("portcullis-testkit", json!("dev")), &[]);
        check_one("portcullis-cli", ours("portcullis-testkit", Value::Null), &["cli -> \"portcullis-testkit\""]);
        check_one("portcullis-sdk", json!({ "name": "axum" }), &["sdk -> \"axum\""]);
        check_one("portcullis-filter", json!({ "name": "proxy-wasm" }), &["filter -> \"proxy-wasm\""]);
        check_one("portcullis-filter", json!({ "name": "proxy-wasm", "target": "cfg(target_arch = \"wasm32\")" }), &[]);
        check_one("stranger", Value::Null, &["stranger is not in the table"]);
    }
}
