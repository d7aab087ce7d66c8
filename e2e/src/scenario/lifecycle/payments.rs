//! The `payments` half: restrictions all at once, and the management calls that its clients already make.

use serde_json::{Value, json};

use super::Edge;
use crate::control::Key;
use crate::http::Request;
use crate::report::Report;

const PAGE: &str = "https://pay.shop.example/checkout/1";

pub(super) async fn run(edge: &Edge<'_>, report: &mut Report) -> anyhow::Result<()> {
    let live = edge.control.create(&json!({ "name": "live", "environment": "live" })).await?;
    let test = edge.control.create(&json!({ "name": "test", "environment": "test" })).await?;
    environments(edge, &live, &test, report).await;
    restrictions(edge, report).await?;
    management(edge, &live, report).await
}

async fn environments(edge: &Edge<'_>, live: &Key, test: &Key, report: &mut Report) {
    let ask = |key: &Key, path: &str| Request::get(path).bearer(&key.text);
    edge.expect(report, "sk_live_ keys reach live data", &ask(live, "/v1/charges"), "200 live").await;
    edge.expect(report, "sk_test_ keys do not", &ask(test, "/v1/charges"), "200 sandbox").await;
    let payouts = ask(test, "/v1/payouts");
    edge.expect(report, "a test key on a live endpoint", &payouts, "403 environment_mismatch").await;
    let clock = ask(live, "/v1/test-helpers/clock");
    edge.expect(report, "a live key on a test endpoint", &clock, "403 environment_mismatch").await;
}

/// Address, referrer and endpoint must all hold.
async fn restrictions(edge: &Edge<'_>, report: &mut Report) -> anyhow::Result<()> {
    let key = edge
        .control
        .create(&json!({ "name": "shop", "environment": "live", "restrictions": {
            "ip": { "allow": ["127.0.0.0/24"], "deny": ["127.0.0.7"] },
            "referrer": { "allow": ["https://*.shop.example/checkout/*"] },
            "endpoint": { "allow": ["POST /v1/charges", "GET /v1/charges/{id}"] },
        } }))
        .await?;
    let post = || Request::new("POST", "/v1/charges").bearer(&key.text);
    edge.expect(report, "a key that meets all three", &post().header("referer", PAGE), "200 live").await;
    edge.expect(report, "without a referrer", &post(), "403 referrer_not_allowed").await;
    let look_alike = post().header("referer", "https://evilshop.example/checkout/1");
    edge.expect(report, "from a look-alike page", &look_alike, "403 referrer_not_allowed").await;
    let elsewhere = Request::get("/v1/customers").bearer(&key.text).header("referer", PAGE);
    edge.expect(report, "on another endpoint", &elsewhere, "403 endpoint_not_allowed").await;
    edge.control.update(&key.id, &json!({ "restrictions": { "ip": { "allow": [] } } })).await?;
    edge.expect(report, "an empty list lets nobody in", &post(), "403 ip_not_allowed").await;
    Ok(())
}

/// `GET /v1/api-keys` and `DELETE /v1/api-keys/{id}` answer with exactly the documented members.
async fn management(edge: &Edge<'_>, key: &Key, report: &mut Report) -> anyhow::Result<()> {
    let list = edge.control.ok("GET", "/v1/api-keys", None).await?;
    report.equal("the list's members", members(&list), "data success".to_owned());
    report.equal("it says success", list["success"].to_string(), "true".to_owned());
    let entry = list["data"].as_array().and_then(|data| data.iter().find(|it| it["id"] == key.id.as_str()).cloned());
    let entry = entry.unwrap_or_default();
    report.equal("an entry's members", members(&entry), "created_at id last_used name prefix".to_owned());
    report.equal("its prefix", entry["prefix"].to_string(), "\"sk_live_\"".to_owned());
    report.equal("its name", entry["name"].to_string(), "\"live\"".to_owned());
    let is_time = |value: &Value| value.as_str().is_some_and(|it| it.parse::<jiff::Timestamp>().is_ok());
    report.check("created_at is RFC 3339", is_time(&entry["created_at"]));
    report.check("last_used is RFC 3339 or null", entry["last_used"].is_null() || is_time(&entry["last_used"]));
    let done = edge.control.call("DELETE", &format!("/v1/api-keys/{}", key.id), None).await?;
    report.equal("revoking answers", done.status, 200);
    let expected = json!({ "success": true, "message": "API key revoked successfully" });
    report.check("with exactly that body", done.json() == expected);
    let request = Request::get("/v1/charges").bearer(&key.text);
    edge.expect(report, "and the edge refuses the key", &request, "401 invalid_api_key").await;
    let unknown = edge.control.call("DELETE", "/v1/api-keys/key_0000000000000000", None).await?;
    report.equal("an unknown id answers", unknown.status, 404);
    report.equal("and says so", unknown.json()["success"].to_string(), "false".to_owned());
    Ok(())
}

fn members(value: &Value) -> String {
    let mut names: Vec<&str> = value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.join(" ")
}
