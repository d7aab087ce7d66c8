//! What services get, what they do not get, and who gets nowhere.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::home::{Home, VALUES};
use crate::control::Key;
use crate::http::{Request, Response};
use crate::report::Report;
use crate::stack::Stack;

pub(super) async fn run(stack: &Stack, home: &Home, report: &mut Report) -> anyhow::Result<()> {
    injected(stack, home, report).await?;
    unseen(stack, home, report).await?;
    refused(stack, home, report).await?;
    masked(stack, home, report).await?;
    logged(stack, home, report).await
}

/// As somebody who has a key and no other credential asks.
fn ask(key: &Key, path: &str) -> Request {
    Request::get(path).bearer(&key.text)
}

/// Whom the service took the caller for.
pub(super) fn taken_for(response: &Response) -> String {
    match response.json()["as"].as_str() {
        Some(name) => format!("{} {name}", response.status),
        None => response.gist(),
    }
}

async fn injected(stack: &Stack, home: &Home, report: &mut Report) -> anyhow::Result<()> {
    let key = &home.key;
    let reference = "{{secret:tool_key}}";
    for (what, request, name, host, path) in [
        (
            "a query parameter",
            ask(key, "/services/weather/v1/now?city=Oslo"),
            "weather_api_key",
            "api.weather.example",
            "/v1/now",
        ),
        ("the prefix alone", ask(key, "/services/weather"), "weather_api_key", "api.weather.example", "/"),
        (
            "the caller's own parameter is no use",
            ask(key, "/services/weather/x?appid=mine&a=b"),
            "weather_api_key",
            "api.weather.example",
            "/x",
        ),
        ("a header with a template", ask(key, "/services/crm/contacts"), "crm_token", "crm.example:8443", "/contacts"),
        (
            "basic authentication",
            ask(key, "/services/billing/invoices"),
            "billing_password",
            "billing.example",
            "/invoices",
        ),
        (
            "a reference in a header",
            ask(key, "/tools/x").header("x-api-key", reference),
            "tool_key",
            "tools.example",
            "/tools/x",
        ),
        (
            "one in the query",
            ask(key, "/tools/y?appid=%7B%7Bsecret:tool_key%7D%7D"),
            "tool_key",
            "tools.example",
            "/tools/y",
        ),
        (
            "a key in the query",
            Request::get(&format!("/services/crm/q?key={}", key.text)),
            "crm_token",
            "crm.example:8443",
            "/q",
        ),
    ] {
        let response = stack.ask(&request).await?;
        report.equal(what, taken_for(&response), format!("200 {name} 1"));
        let body = response.json();
        report.equal(format!("{what}: host and path"), at(&body), format!("{host} {path}"));
    }
    let own = stack.ask(&ask(key, "/own/thing").header("x-api-key", reference)).await?;
    report.check(
        format!("elsewhere a reference is only text: {}", own.gist()),
        own.status == 200 && String::from_utf8_lossy(&own.body).contains(reference),
    );
    Ok(())
}

fn at(body: &Value) -> String {
    format!("{} {}", body["host"].as_str().unwrap_or_default(), body["path"].as_str().unwrap_or_default())
}

/// What is the caller's stays with the edge.
async fn unseen(stack: &Stack, home: &Home, report: &mut Report) -> anyhow::Result<()> {
    let request = ask(&home.key, "/services/weather/x?a=1")
        .header("cookie", "session=of-the-caller")
        .header("x-portcullis-org", "org_forged")
        .header("x-portcullis-cluster", "upstream_live")
        .header("x-forwarded-for", "10.0.0.1");
    let response = stack.ask(&request).await?;
    report.equal("a request with all that a caller has", taken_for(&response), "200 weather_api_key 1".to_owned());
    let body = response.json();
    let names: Vec<&str> = body["names"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let hidden = |name: &&&str| {
        name.starts_with("x-portcullis") || ["authorization", "cookie", "x-forwarded-for"].contains(*name)
    };
    let leaked: Vec<_> = names.iter().filter(hidden).collect();
    report.check(format!("the service gets nothing of it: {leaked:?}"), leaked.is_empty() && !names.is_empty());
    let forged = Request::get("/own/thing").bearer(&home.without.text).header("x-portcullis-cluster", "outside");
    let response = stack.ask(&forged).await?;
    report.equal("nobody chooses a cluster", response.json()["side"].clone(), json!("live"));
    Ok(())
}

async fn refused(stack: &Stack, home: &Home, report: &mut Report) -> anyhow::Result<()> {
    let weather = "/services/weather/x";
    let with = |value: &str| ask(&home.key, "/tools/x").header("x-api-key", value);
    for (what, request, answer, reference) in [
        ("a key without a skill", ask(&home.without, weather), "403 service_not_allowed", None),
        (
            "a service that the skill does not link",
            ask(&home.unlinked, "/services/crm/x"),
            "403 service_not_allowed",
            None,
        ),
        (
            "a secret that the skill does not link",
            ask(&home.unlinked, weather),
            "403 missing_secret",
            Some("weather_api_key"),
        ),
        (
            "another organisation, with the same words",
            ask(&home.foreign, weather),
            "403 missing_secret",
            Some("weather_api_key"),
        ),
        ("a secret of another service", with("{{secret:crm_token}}"), "403 missing_secret", Some("crm_token")),
        ("a secret that is not there", with("{{secret:nothing}}"), "403 missing_secret", Some("nothing")),
        ("half a reference", with("{{secret:tool_key"), "403 missing_secret", None),
        ("a service by another spelling", ask(&home.key, "/services/weather;v=1/x"), "400 ambiguous_path", None),
    ] {
        let response = stack.ask(&request).await?;
        report.equal(what, response.gist(), answer.to_owned());
        let named = response.json()["error"]["reference"].as_str().map(str::to_owned);
        report.equal(format!("{what}: the reference"), format!("{named:?}"), format!("{reference:?}"));
    }
    let theirs = json!({ "name": "x", "environment": "production", "organization": home.other, "skill": home.skill });
    let taken = home.control.call("POST", "/v1/keys", Some(&theirs)).await?;
    report.check(
        format!("no key gets another organisation's skill: {}", taken.gist()),
        (400..500).contains(&taken.status),
    );
    Ok(())
}

/// What comes back in headers.
async fn masked(stack: &Stack, home: &Home, report: &mut Report) -> anyhow::Result<()> {
    for path in ["/services/weather/x", "/services/crm/x", "/services/billing/x"] {
        let response = stack.ask(&ask(&home.key, path).header("x-echo", "1")).await?;
        let headers = format!("{:?}", response.headers);
        let found: Vec<_> = VALUES.iter().filter(|(_, value)| holds(&headers, value)).collect();
        report.check(format!("{path}: no value comes back in a header: {found:?}"), found.is_empty());
        report.check(format!("{path}: they were there"), headers.contains("***"));
        report.check(format!("{path}: the rest is as it was"), headers.contains("theme=dark"));
    }
    Ok(())
}

/// Whether a value stands in a text, however it is written.
pub(super) fn holds(text: &str, value: &str) -> bool {
    crate::scenario::canary::forms(value).iter().any(|form| text.contains(form.as_str()))
}

/// The access log knows who called what.
async fn logged(stack: &Stack, home: &Home, report: &mut Report) -> anyhow::Result<()> {
    let response = stack.ask(&ask(&home.key, "/services/weather/logged?a=1")).await?;
    let id = response.header("x-request-id").unwrap_or_default().to_owned();
    let line = crate::wait::until("the access log's line", std::time::Duration::from_secs(10), async || {
        Ok(stack.access_log()?.into_iter().find(|line| line["request_id"] == id.as_str()))
    })
    .await?;
    let organization = home.key.record["organization"].as_str().context("a key without an organisation")?;
    let call = json!(format!("weather {} {organization}", home.key.id));
    report.equal("the access log names the service, the key and the organisation", line["service_call"].clone(), call);
    report.equal("and a path", line["path"].clone(), json!("/logged"));
    Ok(())
}
