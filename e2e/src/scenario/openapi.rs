//! `openapi`: the API's own description, taken at its word.
//!
//! It is the one that is checked in, and schemathesis, which makes up requests from it, finds no answer that it does not
//! foresee. Invariant: the same requests every time, whoever runs it.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;

use crate::control::Control;
use crate::process::Process;
use crate::report::Report;
use crate::stack::{self, Setup, Stack};
use crate::tools;

const CHECKED_IN: &str = "crates/control/openapi.json";
/// Requests made up for each operation, besides those at the borders of what is allowed.
const EXAMPLES: &str = "60";
const SEED: &str = "1";
/// Some requests come without the token; more than 20 of those in a second would be 429, and not the 401 that is looked for.
const RATE: &str = "100/s";
/// It has no budget of time, which would make every run another one; this is where it hangs.
const LIMIT: Duration = Duration::from_secs(600);
/// What is not asked, and why:
/// - `positive_data_acceptance`: which environments and scopes there are, and whether a policy compiles, is in the policy
///   in force; what the schema allows may still be refused with 422.
const EXCLUDED_CHECKS: &str = "positive_data_acceptance";

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let mut stack = Stack::new(Setup::preset("systemprompt")?)?;
    stack.start_control().await?;
    let control = stack.control()?;
    description(&control, report).await?;
    let config = stack.log("schemathesis.toml");
    // In a file, not on the command line: others can see that.
    stack::write_private(&config, &format!("[headers]\nAuthorization = \"Bearer {}\"\n", control.token))?;
    let log = stack.log("schemathesis.log");
    let passed = schemathesis(&control, &config, &log).await?;
    let text = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    anyhow::ensure!(!text.contains(&control.token), "schemathesis prints the token");
    if passed {
        summary(&text).for_each(|line| println!("  {line}"));
    } else {
        println!("{text}");
    }
    report.check("schemathesis finds no answer that the description does not foresee", passed);
    let made = control.list("/v1/keys").await?.len();
    report.check(format!("it was let in: it made {made} keys"), made > 0);
    stack.ensure_alive()?;
    let ready = control.call("GET", "/readyz", None).await?;
    report.equal("the control plane is well afterwards", ready.status, 200);
    Ok(())
}

/// What is served is what is checked in.
async fn description(control: &Control, report: &mut Report) -> anyhow::Result<()> {
    let served = control.ok("GET", "/v1/openapi.json", None).await?;
    let file = tools::root()?.join(CHECKED_IN);
    let text = std::fs::read(&file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let checked_in: Value = serde_json::from_slice(&text).context(CHECKED_IN)?;
    report.check(format!("/v1/openapi.json is {CHECKED_IN}"), served == checked_in);
    let operations: usize = served["paths"].as_object().into_iter().flatten().map(|(_, path)| methods(path)).sum();
    report.figure("operations", operations);
    Ok(())
}

fn methods(path: &Value) -> usize {
    let known = ["get", "put", "post", "delete", "patch"];
    path.as_object().into_iter().flatten().filter(|(name, _)| known.contains(&name.as_str())).count()
}

/// Whether it passes; what it has to say is in the log.
async fn schemathesis(control: &Control, config: &Path, log: &Path) -> anyhow::Result<bool> {
    let url = format!("http://{}/v1/openapi.json", control.address);
    let args = [
        "--config-file",
        &config.display().to_string(),
        "run",
        &url,
        "--no-color",
        "--workers",
        "1",
        "--rate-limit",
        RATE,
        "--seed",
        SEED,
        "--generation-database",
        "none",
        "--max-examples",
        EXAMPLES,
        "--phases",
        "examples,coverage,fuzzing",
        "--continue-on-failure",
        "--exclude-checks",
        EXCLUDED_CHECKS,
    ];
    let args = args.map(str::to_owned);
    let mut process = Process::spawn_group("schemathesis", &tools::schemathesis()?, &args, log)?;
    Ok(process.finished(LIMIT).await?.success())
}

/// The closing lines, which count what was asked.
fn summary(text: &str) -> impl Iterator<Item = &str> {
    text.lines().skip_while(|line| !line.contains(" SUMMARY ")).filter(|line| !line.trim().is_empty())
}
