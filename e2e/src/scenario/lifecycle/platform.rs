//! The `systemprompt` half: scopes, restrictions, rotation, expiry, disabling, revocation, last use, secrecy.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::{Edge, SOON};
use crate::control::{Key, in_seconds};
use crate::http::{Connection, Request};
use crate::report::Report;
use crate::wait;

const PATH: &str = "/api/v1/skills";

pub(super) async fn run(edge: &Edge<'_>, report: &mut Report) -> anyhow::Result<()> {
    let reader = edge.control.create(&json!({ "name": "reader", "environment": "production", "scopes": ["skills:read"], "created_by": "ada@example.com" })).await?;
    forwarding(edge, &reader, report).await?;
    environments(edge, &reader, report).await?;
    scopes(edge, &reader, report).await?;
    restrictions(edge, &reader, report).await?;
    let successor = rotation(edge, &reader, report).await?;
    expiry(edge, report).await?;
    switching(edge, &successor, report).await?;
    revocation(edge, &successor, report).await?;
    records(edge, &reader, report).await?;
    receipts(edge, report).await?;
    secrecy(edge, &[&reader, &successor], report)
}

fn get(key: &Key) -> Request {
    Request::get(PATH).bearer(&key.text)
}

/// The upstream is told who calls, by the edge alone, and never sees the credential.
async fn forwarding(edge: &Edge<'_>, key: &Key, report: &mut Report) -> anyhow::Result<()> {
    edge.expect(report, "a new key works", &get(key), "200 live").await;
    let spoofed = get(key).header("x-portcullis-org", "org_spoofed").header("X-Portcullis-Scopes", "admin");
    let echo = edge.stack.ask(&spoofed).await?.json();
    let headers = echo["headers"].as_array().cloned().unwrap_or_default();
    let values = |name: &str| -> Vec<String> {
        let of_name = headers.iter().filter(|it| it[0] == name);
        of_name.filter_map(|it| it[1].as_str().map(str::to_owned)).collect()
    };
    let record = |name: &str| key.record[name].as_str().unwrap_or_default().to_owned();
    for (header, value) in [
        ("x-portcullis-key-id", key.id.clone()),
        ("x-portcullis-org", record("organization")),
        ("x-portcullis-environment", "production".to_owned()),
        ("x-portcullis-scopes", "skills:read".to_owned()),
    ] {
        report.equal(format!("the upstream sees one {header}"), values(header).join(" | "), value);
    }
    report.check("the upstream sees no authorization header", values("authorization").is_empty());
    report.check("the upstream sees the key nowhere", !echo.to_string().contains(&key.text));
    let public = edge.stack.ask(&Request::get("/healthz").header("x-portcullis-org", "org_spoofed")).await?.json();
    report.check("a public route drops spoofed identity", !public.to_string().contains("x-portcullis"));
    Ok(())
}

async fn environments(edge: &Edge<'_>, live: &Key, report: &mut Report) -> anyhow::Result<()> {
    let body = json!({ "name": "sandbox", "environment": "sandbox", "scopes": ["skills:read"] });
    let sandbox = edge.control.create(&body).await?;
    edge.expect(report, "a sandbox key reaches the sandbox", &get(&sandbox), "200 sandbox").await;
    let forged = get(&sandbox).header("x-portcullis-environment", "production");
    edge.expect(report, "whatever environment it claims", &forged, "200 sandbox").await;
    edge.expect(report, "a live key reaches live data", &get(live), "200 live").await;
    Ok(())
}

async fn scopes(edge: &Edge<'_>, key: &Key, report: &mut Report) -> anyhow::Result<()> {
    let post = Request::new("POST", PATH).bearer(&key.text);
    edge.expect(report, "skills:read may not write", &post, "403 insufficient_scope").await;
    edge.control.update(&key.id, &json!({ "scopes": ["skills:write"] })).await?;
    edge.expect(report, "after the change it may", &post, "200 live").await;
    edge.expect(report, "but write does not imply read", &get(key), "403 insufficient_scope").await;
    edge.control.update(&key.id, &json!({ "scopes": [] })).await?;
    edge.expect(report, "without scopes it may nothing", &post, "403 insufficient_scope").await;
    edge.control.update(&key.id, &json!({ "scopes": ["skills:read"] })).await?;
    edge.expect(report, "its scope is back", &get(key), "200 live").await;
    Ok(())
}

async fn restrictions(edge: &Edge<'_>, key: &Key, report: &mut Report) -> anyhow::Result<()> {
    let only = json!({ "restrictions": { "ip": { "allow": ["127.0.0.9/32"] } } });
    edge.control.update(&key.id, &only).await?;
    edge.expect(report, "restricted to another address", &get(key), "403 ip_not_allowed").await;
    let spoofed = get(key).header("x-forwarded-for", "127.0.0.9");
    edge.expect(report, "X-Forwarded-For does not help", &spoofed, "403 ip_not_allowed").await;
    let from = Some(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9)));
    let there = Connection::open_from(edge.stack.edge(), from).await?.send(&get(key)).await?;
    report.equal("from that address it works", there.status, 200);
    edge.control.update(&key.id, &json!({ "restrictions": null })).await?;
    edge.expect(report, "unrestricted again", &get(key), "200 live").await;
    Ok(())
}

async fn rotation(edge: &Edge<'_>, old: &Key, report: &mut Report) -> anyhow::Result<Key> {
    let new = edge.control.rotate(&old.id, 3).await?;
    report.check("rotation gives another key", new.text != old.text && new.id != old.id);
    report.equal("with the same scopes", new.record["scopes"].to_string(), old.record["scopes"].to_string());
    edge.expect(report, "the new key works", &get(&new), "200 live").await;
    edge.expect(report, "the old one still does", &get(old), "200 live").await;
    edge.expect(report, "until the overlap is over", &get(old), "401 expired_api_key").await;
    edge.expect(report, "the new one goes on", &get(&new), "200 live").await;
    let again = edge
        .control
        .call("POST", &format!("/v1/keys/{}/rotate", old.id), Some(&json!({ "overlap_seconds": 0 })))
        .await?;
    report.equal("an expired key is not rotated", again.status, 409);
    Ok(new)
}

async fn expiry(edge: &Edge<'_>, report: &mut Report) -> anyhow::Result<()> {
    let body =
        json!({ "name": "brief", "environment": "production", "scopes": ["skills:read"], "expires_at": in_seconds(3) });
    let brief = edge.control.create(&body).await?;
    edge.expect(report, "a key that expires works before", &get(&brief), "200 live").await;
    edge.expect(report, "and not after", &get(&brief), "401 expired_api_key").await;
    let shown = edge.control.show(&brief.id).await?;
    report.equal("it is listed as", shown["status"].to_string(), "\"expired\"".to_owned());
    Ok(())
}

async fn switching(edge: &Edge<'_>, key: &Key, report: &mut Report) -> anyhow::Result<()> {
    edge.control.update(&key.id, &json!({ "enabled": false })).await?;
    edge.expect(report, "disabled", &get(key), "401 invalid_api_key").await;
    edge.control.update(&key.id, &json!({ "enabled": true })).await?;
    edge.expect(report, "enabled", &get(key), "200 live").await;
    Ok(())
}

async fn revocation(edge: &Edge<'_>, key: &Key, report: &mut Report) -> anyhow::Result<()> {
    let shown = wait::until("last_used", Duration::from_secs(60), async || {
        Ok(Some(edge.control.show(&key.id).await?).filter(|it| it["last_used"].is_string()))
    });
    report.check("last_used appears", shown.await.is_ok());
    edge.control.revoke(&key.id).await?;
    edge.expect(report, "revoked", &get(key), "401 invalid_api_key").await;
    let shown = edge.control.show(&key.id).await?;
    report.equal("the record stays, as", shown["status"].to_string(), "\"revoked\"".to_owned());
    report.check("with its revoked_at", shown["revoked_at"].is_string());
    let change = edge.control.call("PATCH", &format!("/v1/keys/{}", key.id), Some(&json!({ "enabled": true }))).await?;
    report.equal("a revoked key cannot be changed", change.status, 409);
    let again = edge.control.call("DELETE", &format!("/v1/keys/{}", key.id), None).await?;
    report.equal("revoking again changes nothing", again.status, 200);
    Ok(())
}

async fn records(edge: &Edge<'_>, key: &Key, report: &mut Report) -> anyhow::Result<()> {
    let shown = edge.control.show(&key.id).await?;
    let display = format!("{}...", key.text.chars().take(14).collect::<String>());
    report.equal("a listing shows 14 characters", shown["display"].as_str().unwrap_or_default(), &display);
    report.equal("and who made it", shown["created_by"].as_str().unwrap_or_default(), "ada@example.com");
    let list = edge.control.ok("GET", "/v1/keys", None).await?.to_string();
    report.check("a listing holds no key", list.contains(&key.id) && !list.contains(&key.text));
    let stranger = Request::get("/v1/keys").bearer("pca_wrong");
    let refused = crate::http::once(edge.control.address, &stranger).await?;
    report.equal("the API refuses a wrong token", refused.status, 401);
    Ok(())
}

/// The control plane knows which version each edge enforces.
async fn receipts(edge: &Edge<'_>, report: &mut Report) -> anyhow::Result<()> {
    let status = edge.control.ok("GET", "/v1/status", None).await?;
    let wanted = status["version"].as_u64().unwrap_or(u64::MAX);
    let receipt = wait::until("the receipt", SOON * 12, async || {
        let edges = edge.control.ok("GET", "/v1/edges", None).await?;
        let applied = edges["data"][0]["applied_version"].as_u64().unwrap_or(0);
        Ok((applied >= wanted).then_some(()))
    });
    report.check("the edge confirms the last version", receipt.await.is_ok());
    for reason in ["allowed", "revoked_key", "insufficient_scope", "ip_not_allowed"] {
        // Metrics are flushed by ticks, so the last requests' may be on their way.
        let counts = wait::until("the metric", SOON, async || {
            let stats = Request::get("/stats?filter=portcullis.decisions");
            let stats = crate::http::once(edge.stack.admin(), &stats).await?;
            Ok((counted(&String::from_utf8_lossy(&stats.body), reason) > 0).then_some(()))
        });
        report.check(format!("a metric counts {reason}"), counts.await.is_ok());
    }
    Ok(())
}

/// The sum of the decisions with that reason, as Envoy's `/stats` lists them: `NAME: VALUE` a line.
fn counted(stats: &str, reason: &str) -> u64 {
    let name = format!("portcullis.decisions.{reason}");
    let values = stats.lines().filter_map(|line| line.trim().split_once(": "));
    values.filter(|(it, _)| it.ends_with(&name)).filter_map(|(_, value)| value.parse::<u64>().ok()).sum()
}

/// No log, database or configuration of the run holds a key.
fn secrecy(edge: &Edge<'_>, keys: &[&Key], report: &mut Report) -> anyhow::Result<()> {
    let mut files = 0;
    for file in files_under(edge.stack.data())? {
        files += 1;
        let bytes = std::fs::read(&file)?;
        let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        let leaks = keys.iter().any(|key| holds(&key.text));
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        report.quiet(format!("{name} holds a key"), if leaks { Err("yes") } else { Ok(()) });
        if name.ends_with(".log") {
            report.check(format!("{name} holds no admin token"), !holds(&edge.control.token));
        }
    }
    report.check(format!("{files} files searched for keys"), files >= 5);
    Ok(())
}

fn files_under(folder: &Path) -> anyhow::Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_under(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
