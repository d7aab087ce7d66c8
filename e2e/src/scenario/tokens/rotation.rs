//! What signs tokens is replaced while tokens are out: nobody who holds a good one notices.

use anyhow::Context as _;
use serde_json::json;

use super::{credential, get};
use crate::http::{self, Request};
use crate::oauth::part;
use crate::report::Report;
use crate::scenario::lifecycle::Edge;

pub(super) async fn run(edge: &Edge<'_>, report: &mut Report) -> anyhow::Result<()> {
    let (client, _) = credential(edge, "rotated", &json!({})).await?;
    let before = client.token(edge.control.address).await?;
    edge.expect(report, "a token of the first signing key", &get(&before), "200 live").await;
    edge.control.ok("POST", "/v1/signing-keys:rotate", Some(&json!({ "now": true }))).await?;
    let after = client.token(edge.control.address).await?;
    let (old, new) = (kid(&before.text)?, kid(&after.text)?);
    report.check("after the rotation another one signs", old != new);
    let published = published(edge).await?;
    report.check("both are published", published.contains(&old) && published.contains(&new));
    for (what, token) in [("a token of the old one still works", &before), ("so does one of the new one", &after)] {
        edge.expect(report, what, &get(token), "200 live").await;
    }
    edge.control.ok("DELETE", &format!("/v1/signing-keys/{old}"), None).await?;
    edge.expect(report, "once the old one is revoked, its tokens are refused", &get(&before), "401 invalid_token")
        .await;
    edge.expect(report, "those of the new one are not", &get(&after), "200 live").await;
    report.check("and only the new one is published", !self::published(edge).await?.contains(&old));
    Ok(())
}

fn kid(token: &str) -> anyhow::Result<String> {
    Ok(part(token, 0)?["kid"].as_str().context("a token without a kid")?.to_owned())
}

/// The names of the keys that anybody may verify tokens with.
async fn published(edge: &Edge<'_>) -> anyhow::Result<Vec<String>> {
    let answer = http::once(edge.control.address, &Request::get("/.well-known/jwks.json")).await?.json();
    let keys = answer["keys"].as_array().cloned().context("no `keys`")?;
    Ok(keys.iter().filter_map(|key| key["kid"].as_str().map(str::to_owned)).collect())
}
