//! The exchange itself: what comes out, what the edge makes of it, and who gets nothing.

use serde_json::{Value, json};

use super::{AUDIENCE, credential, get, post, seen};
use crate::control::Key;
use crate::oauth::{Client, Secret, part};
use crate::report::Report;
use crate::scenario::lifecycle::Edge;

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

pub(super) async fn run(edge: &Edge<'_>, report: &mut Report) -> anyhow::Result<()> {
    let (client, record) = credential(edge, "worker", &json!({})).await?;
    let token = exchange(edge, &client, report).await?;
    claims(edge, &token, &record, report)?;
    at_the_edge(edge, &token, &record, report).await?;
    narrower(edge, &client, report).await?;
    refusals(edge, &client, report).await?;
    let (sandbox, _) = credential(edge, "sandbox", &json!({ "environment": "sandbox" })).await?;
    let token = sandbox.token(edge.control.address).await?;
    edge.expect(report, "a token of the sandbox reaches the sandbox", &get(&token), "200 sandbox").await;
    Ok(())
}

async fn exchange(edge: &Edge<'_>, client: &Client, report: &mut Report) -> anyhow::Result<Key> {
    for (what, secret) in [("in the header", Secret::InHeader), ("in the form", Secret::InForm)] {
        let answer = client.ask(edge.control.address, secret, &[GRANT]).await?;
        let body = answer.json();
        report.equal(format!("with the secret {what}"), answer.status, 200);
        report.equal("the type", body["token_type"].to_string(), json!("Bearer").to_string());
        report.equal("the lifetime", body["expires_in"].to_string(), "300".to_owned());
        report.equal("the scopes", body["scope"].to_string(), json!("skills:read skills:write").to_string());
        report.equal("nobody keeps it", answer.header("cache-control").unwrap_or_default(), "no-store");
    }
    client.token(edge.control.address).await
}

fn claims(edge: &Edge<'_>, token: &Key, record: &Value, report: &mut Report) -> anyhow::Result<()> {
    let (header, claims) = (part(&token.text, 0)?, part(&token.text, 1)?);
    report.equal("typ", header["typ"].to_string(), json!("at+jwt").to_string());
    report.equal("alg", header["alg"].to_string(), json!("EdDSA").to_string());
    let issuer = format!("http://{}", edge.control.address);
    for (name, expected) in [
        ("iss", json!(issuer)),
        ("aud", json!(AUDIENCE)),
        ("sub", record["id"].clone()),
        ("client_id", record["id"].clone()),
        ("org", record["organization"].clone()),
        ("env", json!("production")),
        ("scope", json!("skills:read skills:write")),
    ] {
        report.equal(name, claims[name].to_string(), expected.to_string());
    }
    let life = claims["exp"].as_u64().zip(claims["iat"].as_u64()).map(|(exp, iat)| exp - iat);
    report.equal("exp - iat", life.unwrap_or_default(), 300);
    report.check("jti", claims["jti"].as_str().is_some_and(|it| it.len() == 22));
    Ok(())
}

async fn at_the_edge(edge: &Edge<'_>, token: &Key, record: &Value, report: &mut Report) -> anyhow::Result<()> {
    edge.expect(report, "the token works", &get(token), "200 live").await;
    edge.stack.settle(&edge.control).await?;
    let echo = edge.stack.ask(&get(token).header("x-portcullis-subject", "somebody")).await?;
    let text = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    for (header, value) in [
        ("x-portcullis-key-id", text("id")),
        ("x-portcullis-org", text("organization")),
        ("x-portcullis-environment", "production".to_owned()),
        ("x-portcullis-scopes", "skills:read skills:write".to_owned()),
        ("x-portcullis-subject", String::new()),
        ("authorization", String::new()),
    ] {
        report.equal(format!("the upstream sees {header}"), seen(&echo, header), value);
    }
    report.check("and the token nowhere", !echo.json().to_string().contains(&token.text));
    let (payload, signature) = token.text.rsplit_once('.').unwrap_or_default();
    let tampered = Key { text: format!("{payload}.{}", signature.chars().rev().collect::<String>()), ..token.clone() };
    edge.expect(report, "tampered with, it does not", &get(&tampered), "401 invalid_token").await;
    let unsigned = Key { text: format!("{payload}."), ..token.clone() };
    edge.expect(report, "nor without a signature", &get(&unsigned), "401 invalid_token").await;
    Ok(())
}

async fn narrower(edge: &Edge<'_>, client: &Client, report: &mut Report) -> anyhow::Result<()> {
    let fields = [GRANT, ("scope", "skills:read"), ("resource", AUDIENCE)];
    let answer = client.ask(edge.control.address, Secret::InHeader, &fields).await?.json();
    report.equal("narrower scopes", answer["scope"].to_string(), json!("skills:read").to_string());
    let text = answer["access_token"].as_str().unwrap_or_default().to_owned();
    let token = Key { id: client.id.clone(), text, record: answer };
    edge.expect(report, "a token with one scope reads", &get(&token), "200 live").await;
    edge.expect(report, "and does not write", &post(&token), "403 insufficient_scope").await;
    Ok(())
}

async fn refusals(edge: &Edge<'_>, client: &Client, report: &mut Report) -> anyhow::Result<()> {
    let wrong = Client { secret: client.secret.replace("secret_", "secret_x"), ..client.clone() };
    let stranger = Client { id: "key_0000000000000000".to_owned(), ..client.clone() };
    for (what, who, fields, answer) in [
        ("a wrong secret", &wrong, &[GRANT][..], "401 invalid_client"),
        ("an id that nobody has", &stranger, &[GRANT], "401 invalid_client"),
        ("a scope that it has not", client, &[GRANT, ("scope", "agents:read")], "400 invalid_scope"),
        ("another audience", client, &[GRANT, ("resource", "https://other.example")], "400 invalid_target"),
        ("another organisation", client, &[GRANT, ("org_id", "org_0000000000000000")], "401 invalid_client"),
        ("a grant that there is not", client, &[("grant_type", "password")], "400 unsupported_grant_type"),
        ("no grant", client, &[], "400 invalid_request"),
        ("two scopes", client, &[GRANT, ("scope", "a:b"), ("scope", "c:d")], "400 invalid_request"),
    ] {
        for secret in [Secret::InHeader, Secret::InForm] {
            let found = who.ask(edge.control.address, secret, fields).await?;
            let gist = format!("{} {}", found.status, found.json()["error"].as_str().unwrap_or_default());
            report.equal(what, gist, answer.to_owned());
        }
    }
    Ok(())
}
