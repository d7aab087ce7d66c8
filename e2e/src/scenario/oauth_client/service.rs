//! A service: a credential, what it is exchanged for, and its end; by the independent client and by the Python SDK.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Client, issuer, text};
use crate::driven::Driven;
use crate::report::Report;
use crate::stack::Stack;
use crate::{tools, wait};

const DOCUMENTS: &str = "/v1/documents/7";
const INDEXES: &str = "/v1/indexes/7";
/// From when it was asked for, the SDK keeps a token for so long, though the API refuses it.
const KEPT: Duration = Duration::from_secs(5);

pub(super) async fn run(stack: &Stack, client: &mut Client, report: &mut Report) -> anyhow::Result<()> {
    let control = stack.control()?;
    let scopes = ["documents:read", "indexes:read"];
    let body = json!({ "kind": "credential", "name": "till", "environment": "production", "scopes": scopes });
    let made = control.ok("POST", "/v1/keys", Some(&body)).await?;
    let (id, secret) = (text(&made, "id")?, text(&made, "secret")?);
    tokens(client, &made, &id, &secret, report).await?;
    let mut sdk = sdk(stack, &made, &id, &secret)?;
    for kind in ["threads", "tasks"] {
        let answer = sdk.ask(&order(stack, kind, 20)).await?;
        report.check(format!("20 {kind} of the Python SDK: {answer}"), answer["statuses"] == json!(vec![200; 20]));
    }
    control.revoke(&id).await?;
    let answer = client.call("service", DOCUMENTS, 401).await?;
    report.check(format!("a revoked credential's token: {answer}"), says(&answer, 401, "invalid_token"));
    let wanted = json!({ "do": "client_credentials", "client_id": id, "client_secret": secret });
    report.equal("and it gets no other", client.error(wanted).await?, "invalid_client".to_owned());
    for kind in ["threads", "tasks"] {
        let mut answer = Value::Null;
        let told = wait::until("the SDK's end", KEPT + super::SOON, async || {
            answer = sdk.ask(&order(stack, kind, 1)).await?;
            Ok((answer["code"] == "invalid_client").then_some(()))
        });
        let is_told = told.await.is_ok();
        report.check(format!("the Python SDK is told so, with {kind}: {}", answer["error"]), is_told);
        report.check("without its secret", !answer.to_string().contains(&secret));
    }
    Ok(())
}

/// What it is exchanged for.
async fn tokens(client: &mut Client, made: &Value, id: &str, secret: &str, report: &mut Report) -> anyhow::Result<()> {
    for method in ["client_secret_basic", "client_secret_post"] {
        let order = json!({ "do": "client_credentials", "client_id": id, "client_secret": secret, "method": method });
        let got = client.ok(order).await?;
        report.equal(format!("{method}: its scopes"), text(&got, "scope")?, "documents:read indexes:read".to_owned());
        report.check(
            "it lasts for minutes and has no refresh token",
            got["expires_in"] == 900 && got["refreshable"] == false,
        );
    }
    let claims = client.claims("service").await?;
    report.equal("its token is verified, subject", text(&claims, "sub")?, id.to_owned());
    report
        .check("organisation and environment", claims["org"] == made["organization"] && claims["env"] == "production");
    let answer = client.call("service", DOCUMENTS, 200).await?;
    report.equal("the edge takes it", answer["status"].to_string(), "200".to_owned());
    let narrow = json!({ "do": "client_credentials", "client_id": id, "client_secret": secret, "scope": "documents:read", "name": "narrow" });
    client.ok(narrow).await?;
    let answer = client.call("narrow", INDEXES, 403).await?;
    report.check(format!("a narrower one may less: {answer}"), says(&answer, 403, "insufficient_scope"));
    let wrong = json!({ "do": "client_credentials", "client_id": id, "client_secret": format!("{secret}x") });
    report.equal("a wrong secret", client.error(wrong).await?, "invalid_client".to_owned());
    let greedy =
        json!({ "do": "client_credentials", "client_id": id, "client_secret": secret, "scope": "searches:run" });
    report.equal("a scope that it has not", client.error(greedy).await?, "invalid_scope".to_owned());
    Ok(())
}

fn says(answer: &Value, status: u16, error: &str) -> bool {
    let challenge = answer["challenge"].as_str().unwrap_or_default();
    answer["status"] == status && challenge.contains(&format!("error=\"{error}\""))
}

/// The SDK's own client, with the variables that users set.
fn sdk(stack: &Stack, made: &Value, id: &str, secret: &str) -> anyhow::Result<Driven> {
    let root = tools::root()?;
    let env = [
        ("PYTHONPATH", root.join("sdk/python/src").display().to_string()),
        ("PORTCULLIS_ORG_ID", text(made, "organization")?),
        ("PORTCULLIS_API_KEY", id.to_owned()),
        ("PORTCULLIS_API_SECRET", secret.to_owned()),
        ("PORTCULLIS_AUTH_API_URL", issuer(stack)),
    ];
    Driven::start(&tools::python()?, &root.join("e2e/python/sdk_client.py"), &env, &stack.log("sdk_client.log"))
}

fn order(stack: &Stack, kind: &str, count: usize) -> Value {
    json!({ "url": format!("http://{}{DOCUMENTS}", stack.edge()), "kind": kind, "count": count })
}
