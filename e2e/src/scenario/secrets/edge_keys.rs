//! The edges' keys are exchanged: a second one is added, values are entered again, the first one goes, and it is told which edge has which.

use serde_json::{Value, json};

use super::calls::taken_for;
use super::home::{Home, VALUES, sealed};
use crate::http::Request;
use crate::report::Report;
use crate::stack::{Stack, new_key};
use crate::wait;

const SOON: std::time::Duration = std::time::Duration::from_secs(10);

pub(super) async fn run(stack: &Stack, home: &mut Home, report: &mut Report) -> anyhow::Result<()> {
    let first = home.control.ok("GET", "/v1/edge-keys", None).await?["data"][0]["id"].clone();
    let second = new_key()?;
    let body = json!({ "public_key": second.public().to_string(), "description": "the second" });
    let added = home.control.ok("POST", "/v1/edge-keys", Some(&body)).await?;
    report.equal("to a new key nothing is sealed", added["unsealed"].clone(), json!(VALUES.len()));
    report.equal("and no edge has its private half", added["edges"].clone(), json!({ "holding": 0, "reporting": 1 }));
    let mut edge = stack.another_edge_with("edge-2", &[&second]).await?;
    let each = told(home, &[1, 1], 2).await;
    report.check(format!("each of two edges tells the one key that it has: {each:?}"), each.is_ok());
    let request = Request::get("/services/crm/x").bearer(&home.key.text);
    let before = edge.ask(&request).await?;
    report.equal("an edge that has the new key alone", before.gist(), "503 secret_unavailable".to_owned());
    let last = format!("/v1/edge-keys/{}", first.as_str().unwrap_or_default());
    let kept = home.control.call("DELETE", &last, None).await?;
    report.equal("the old key does not go yet", kept.gist(), "409 secrets_unsealed".to_owned());
    let listed = home.control.ok("GET", &format!("/v1/secrets?unsealed={}", second.public().name()), None).await?;
    let listed: Vec<Value> = listed["data"].as_array().cloned().unwrap_or_default();
    report.equal("secrets to be entered again", listed.len(), VALUES.len());
    for (name, value) in VALUES {
        let path = format!("/v1/secrets/{}/value", home.secret(name)?);
        home.control.ok("PUT", &path, Some(&json!({ "sealed": sealed(&home.control, name, value).await? }))).await?;
    }
    report.check("entered again, the new key opens them", used(&edge, &request).await.is_ok());
    report.check("and so does the old one", used(stack, &request).await.is_ok());
    let in_use = home.control.call("DELETE", &last, None).await?;
    report.equal("while an edge has no other it stays", in_use.gist(), "409 edge_key_in_use".to_owned());
    let detail = in_use.json()["detail"].as_str().unwrap_or_default().to_owned();
    let whose = detail.lines().next().unwrap_or_default();
    report.check(
        format!("and the edge is named: {whose}"),
        whose == "without this key `edge-1` could not open every secret",
    );
    let gone = home.control.call("DELETE", &format!("{last}?force=true"), None).await?;
    report.check(format!("now the old key goes: {}", gone.status), (200..300).contains(&gone.status));
    let refused = wait::until("the end of the old key", SOON, async || {
        Ok((stack.ask(&request).await?.gist() == "503 secret_unavailable").then_some(()))
    })
    .await;
    report.check("an edge with the old key alone opens nothing any more", refused.is_ok());
    let left = told(home, &[1], 2).await;
    report.check(format!("and tells of a key that is there no more: {left:?}"), left.is_ok());
    report.equal("the other goes on", taken_for(&edge.ask(&request).await?), "200 crm_token 1".to_owned());
    edge.stop_envoy();
    Ok(())
}

/// Waits until so many edges tell of each key, of so many that tell.
async fn told(home: &Home, holding: &[u64], reporting: u64) -> anyhow::Result<()> {
    let expected: Vec<Value> =
        holding.iter().map(|holding| json!({ "holding": holding, "reporting": reporting })).collect();
    wait::until("what edges tell of their keys", SOON, async || {
        let listed = home.control.ok("GET", "/v1/edge-keys", None).await?;
        let edges = listed["data"].as_array().into_iter().flatten().map(|it| it["edges"].clone());
        Ok((edges.collect::<Vec<_>>() == expected).then_some(()))
    })
    .await
}

/// Waits until the values are used that were entered last.
async fn used(edge: &Stack, request: &Request) -> anyhow::Result<()> {
    wait::until("the value that was entered last", SOON, async || {
        Ok((taken_for(&edge.ask(request).await?) == "200 crm_token 1").then_some(()))
    })
    .await
}
