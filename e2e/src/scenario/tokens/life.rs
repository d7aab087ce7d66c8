//! A token lives as long as what minted it, and may what that may: every change counts for tokens that are out already.

use serde_json::{Value, json};

use super::{credential, get, post};
use crate::report::Report;
use crate::scenario::lifecycle::Edge;

pub(super) async fn run(edge: &Edge<'_>, report: &mut Report) -> anyhow::Result<()> {
    let organization = edge.control.organization("tenant", None).await?;
    let (client, _) = credential(edge, "lived", &json!({ "organization": organization })).await?;
    let token = client.token(edge.control.address).await?;
    edge.expect(report, "the token reads", &get(&token), "200 live").await;
    edge.expect(report, "and writes", &post(&token), "200 live").await;
    let change = async |body: Value| edge.control.update(&client.id, &body).await;
    change(json!({ "scopes": ["skills:read"] })).await?;
    edge.expect(report, "a scope that its key lost", &post(&token), "403 insufficient_scope").await;
    edge.expect(report, "one that it kept", &get(&token), "200 live").await;
    change(json!({ "scopes": ["skills:*", "agents:read"] })).await?;
    edge.expect(report, "its key may more again", &post(&token), "200 live").await;
    let agents = crate::http::Request::get("/api/v1/agents").bearer(&token.text);
    edge.expect(report, "but never more than it was minted for", &agents, "403 insufficient_scope").await;
    change(json!({ "restrictions": { "ip": { "allow": ["127.0.0.9/32"] } } })).await?;
    edge.expect(report, "its key is bound to another address", &get(&token), "403 ip_not_allowed").await;
    change(json!({ "restrictions": null, "rate": { "requests": 1, "seconds": 3600, "burst": 1 } })).await?;
    edge.expect(report, "its key has a rate, which is used up", &get(&token), "429 rate_limited").await;
    change(json!({ "rate": null, "enabled": false })).await?;
    edge.expect(report, "its key is switched off", &get(&token), "401 invalid_token").await;
    let asked =
        client.ask(edge.control.address, crate::oauth::Secret::InHeader, &[("grant_type", "client_credentials")]);
    report.equal("and gets no token", asked.await?.status, 401);
    change(json!({ "enabled": true })).await?;
    edge.expect(report, "and on again", &get(&token), "200 live").await;
    let path = format!("/v1/organizations/{organization}");
    edge.control.ok("PATCH", &path, Some(&json!({ "state": "suspended" }))).await?;
    edge.expect(report, "its organisation is suspended", &get(&token), "403 organization_suspended").await;
    edge.control.ok("PATCH", &path, Some(&json!({ "state": "active" }))).await?;
    edge.expect(report, "and active again", &get(&token), "200 live").await;
    let shown = edge.control.show(&client.id).await?;
    report.check("its key was used", shown["last_used"].is_string());
    edge.control.revoke(&client.id).await?;
    edge.expect(report, "its key is revoked", &get(&token), "401 invalid_token").await;
    Ok(())
}
