//! Values that are entered in each way there is, used in each way, and misspelt.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::super::secrets::home;
use crate::control::{Control, Key};
use crate::http::{self, Request};
use crate::report::Report;
use crate::stack::Stack;
use crate::{tools, wait};

/// The values of one run.
pub(super) struct Planted {
    /// Sealed before they were sent: the control plane never had them.
    pub(super) sealed: Vec<String>,
    /// Sealed by the control plane.
    plain: Vec<String>,
    /// Sent in requests that are refused.
    wrong: Vec<String>,
    key: Key,
}

impl Planted {
    pub(super) async fn plant(stack: &Stack, control: &Control, report: &mut Report) -> anyhow::Result<Self> {
        let public_key = stack.services()?.public_key()?;
        control.ok("POST", "/v1/edge-keys", Some(&json!({ "public_key": public_key }))).await?;
        let canary = |what: &str| Ok::<_, anyhow::Error>(format!("canary {what}+/&= {}", random()?));
        let [weather, by_command] = [canary("sealed")?, canary("typed")?];
        let [crm, first, billing] = [canary("plain")?, canary("first")?, canary("basic")?];
        control
            .ok("POST", "/v1/secrets", Some(&home::sealed_secret(control, "weather_api_key", &weather).await?))
            .await?;
        let made = control.ok("POST", "/v1/secrets", Some(&home::plain("crm_token", &first))).await?;
        let path = format!("/v1/secrets/{}/value", home::text(&made, "id")?);
        control.ok("PUT", &path, Some(&json!({ "value": crm }))).await?;
        control.ok("POST", "/v1/secrets", Some(&home::plain("billing_password", &billing))).await?;
        let printed = set_by_command(control, "tool_key", &by_command)?;
        report.check("the command sets a secret from its input", !printed.contains("canary"));
        let services = json!([
            { "service": "weather", "secrets": ["weather_api_key"] },
            { "service": "crm", "secrets": ["crm_token"] },
            { "service": "billing", "secrets": ["billing_password"] },
            { "service": "tools", "secrets": ["tool_key"] },
        ]);
        let skill = json!({ "name": "assistant", "team": true, "services": services });
        let skill = home::text(&control.ok("POST", "/v1/skills", Some(&skill)).await?, "id")?;
        let key = home::key(control, Some(&skill), None).await?;
        for (name, value) in [
            ("weather_api_key", &weather),
            ("crm_token", &crm),
            ("billing_password", &billing),
            ("tool_key", &by_command),
        ] {
            stack.service()?.accept(&home::credential(name, value), name);
        }
        stack.wait_known(&[&key]).await?;
        let wrong = (0..6).map(|_| canary("wrong")).collect::<anyhow::Result<_>>()?;
        Ok(Self { sealed: vec![weather, by_command], plain: vec![crm, first, billing], wrong, key })
    }

    /// Every value.
    pub(super) fn values(&self) -> impl Iterator<Item = &str> {
        self.sealed.iter().chain(&self.plain).chain(&self.wrong).map(String::as_str)
    }

    /// Through the edge, also with answers that bring them back, and refused.
    pub(super) async fn use_all(&self, stack: &Stack, report: &mut Report) -> anyhow::Result<()> {
        let ask = |path: &str| Request::get(path).bearer(&self.key.text);
        let reference = "{{secret:tool_key}}";
        for (request, name) in [
            (ask("/services/weather/x?q=1"), "weather_api_key"),
            (ask("/services/crm/x"), "crm_token"),
            (ask("/services/billing/x"), "billing_password"),
            (ask("/tools/x").header("x-api-key", reference), "tool_key"),
            (ask("/tools/x?appid=%7B%7Bsecret:tool_key%7D%7D"), "tool_key"),
            (ask("/services/weather/x").header("x-echo", "1"), "weather_api_key"),
            (ask("/services/billing/x").header("x-echo", "1"), "billing_password"),
        ] {
            let response = wait::until(name, std::time::Duration::from_secs(10), async || {
                Ok(Some(stack.ask(&request).await?).filter(|it| it.status == 200))
            })
            .await?;
            report.equal("a value is used", response.json()["as"].clone(), json!(name));
            let found = super::artefacts::found(format!("{:?}", response.headers).as_bytes(), self.values());
            report.check(format!("and its answer holds none: {found:?}"), found.is_empty());
        }
        let refused = stack.ask(&ask("/tools/x").header("x-api-key", "{{secret:crm_token}}")).await?;
        report.equal("one that is not linked", refused.gist(), "403 missing_secret".to_owned());
        Ok(())
    }

    /// Requests that are refused, each with a value somewhere.
    pub(super) async fn mistake(&self, control: &Control, report: &mut Report) -> anyhow::Result<()> {
        let [unknown, typed, cut, line, long, query] = self.wrong.as_slice() else { anyhow::bail!("six are wanted") };
        let post =
            |body: String| Request::new("POST", "/v1/secrets").header("content-type", "application/json").body(body);
        let create = |more: Value| {
            let mut body = json!({ "name": "mistaken", "team": true });
            for (name, value) in more.as_object().into_iter().flatten() {
                body[name] = value.clone();
            }
            body.to_string()
        };
        for (what, request) in [
            ("an unknown member", post(create(json!({ "valeu": unknown })))),
            ("a list", post(create(json!({ "value": [typed] })))),
            ("half a body", post(format!(r#"{{"name": "mistaken", "value": "{cut}"#))),
            ("two lines", post(create(json!({ "value": format!("{line}\nx") })))),
            ("more than there can be", post(create(json!({ "value": long.repeat(200) })))),
            ("in the query", Request::new("POST", format!("/v1/secrets?value={}", crate::visitor::escape(query)))),
            ("as a box", post(create(json!({ "sealed": { "00": unknown } })))),
            ("as its own name", post(json!({ "name": typed, "value": typed }).to_string())),
        ] {
            let response = http::once(control.address, &request.bearer(&control.token)).await?;
            report.check(format!("{what} is refused: {}", response.gist()), (400..500).contains(&response.status));
            let found = super::artefacts::found(&response.body, self.values());
            report.check(format!("{what}: the answer does not repeat it: {found:?}"), found.is_empty());
        }
        Ok(())
    }
}

/// Enough that nobody has it by chance.
fn random() -> anyhow::Result<String> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// As somebody would who has the command; what it printed.
fn set_by_command(control: &Control, name: &str, value: &str) -> anyhow::Result<String> {
    let mut command = Command::new(tools::portcullis()?);
    command.args(["secrets", "set", name, "--team"]);
    command.env("PORTCULLIS_URL", format!("http://{}", control.address));
    command.env("PORTCULLIS_ADMIN_TOKEN", &control.token);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cannot run `portcullis`")?;
    child.stdin.take().context("no input")?.write_all(format!("{value}\n").as_bytes())?;
    let output = child.wait_with_output()?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    anyhow::ensure!(output.status.success(), "`portcullis secrets set` failed: {printed}");
    Ok(printed)
}
