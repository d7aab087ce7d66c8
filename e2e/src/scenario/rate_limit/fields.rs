//! What clients and upstreams are told of rates, on the real Envoy.

use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::http::{Request, Response};
use crate::report::Report;
use crate::scenario::limits::{THING, Tenant, get, monthly};

pub(super) async fn run(fleet: &Fleet, report: &mut Report) -> anyhow::Result<()> {
    let control = fleet.control()?;
    let tenant = Tenant::create(&control, "fields", monthly(50_000)).await?;
    let free = Tenant::unlimited(&control, "without").await?;
    let rate = json!({ "rate": { "requests": 1, "seconds": 60, "burst": 2 } });
    let key = tenant.another_key(&control, rate).await?;
    fleet.settle().await?;
    let stack = fleet.stacks().next().ok_or_else(|| anyhow::anyhow!("no Envoy"))?;
    let forged = |request: Request| {
        let request = request.header("x-portcullis-ratelimit", "forged");
        request.header("x-portcullis-ratelimit-policy", "forged").header("ratelimit", "forged")
    };

    let passed = stack.ask(&forged(get(THING, &key))).await?;
    report.equal("a request within its limits", passed.status, 200);
    for (field, wanted) in
        [("ratelimit", ["\"rate\";r=", "\"quota\";r="]), ("ratelimit-policy", ["\"rate\";q=", "\"quota\";q="])]
    {
        let value = the(field, &passed);
        println!("  on 200, {field}: {value}");
        report.check(format!("`{field}` tells of the rate"), value.contains(wanted[0]));
        report.check(format!("`{field}` tells of the quota"), value.contains(wanted[1]));
        report.check(format!("`{field}` is not what the client sent"), !value.contains("forged"));
    }
    while_it_passes(stack, &key, report).await?;

    let unlimited = stack.ask(&forged(free.request())).await?;
    report.equal("without limits there is no field", the("ratelimit", &unlimited), "none".to_owned());
    let told = unlimited.json();
    report.check("the upstream gets none that a client sent", !header_names(&told).contains(&"x-portcullis-ratelimit"));
    let nobody = stack.ask(&forged(Request::get(THING))).await?;
    report.equal("without a key", nobody.gist(), "401 missing_api_key".to_owned());
    report.equal("there is no field either", the("ratelimit", &nobody), "none".to_owned());
    Ok(())
}

/// Until it does not: the refusal names the rate first, and says when to come again.
async fn while_it_passes(
    stack: &crate::stack::Stack,
    key: &crate::control::Key,
    report: &mut Report,
) -> anyhow::Result<()> {
    let refused = crate::wait::until("a refusal", std::time::Duration::from_secs(5), async || {
        Ok(Some(stack.ask(&get(THING, key)).await?).filter(|answer| answer.status != 200))
    })
    .await?;
    report.equal("beyond them", refused.gist(), "429 rate_limited".to_owned());
    for field in ["retry-after", "ratelimit", "ratelimit-policy"] {
        println!("  on 429, {field}: {}", the(field, &refused));
    }
    let seconds = the("retry-after", &refused).parse::<u64>().unwrap_or_default();
    report.check("Retry-After is what a slot takes, rounded up", (1..=60).contains(&seconds));
    report.check("RateLimit begins with the rate", the("ratelimit", &refused).starts_with("\"rate\";r=0;t="));
    report.equal(
        "RateLimit-Policy begins with it",
        begins(&the("ratelimit-policy", &refused)),
        "\"rate\";q=1;w=60".to_owned(),
    );
    let request =
        Request::new("POST", "/things.Things/List").bearer(&key.text).header("content-type", "application/grpc");
    let answer = stack.ask(&request).await?;
    report.equal("gRPC clients get RESOURCE_EXHAUSTED", the("grpc-status", &answer), "8".to_owned());
    Ok(())
}

fn begins(list: &str) -> String {
    list.split(',').next().unwrap_or_default().trim().to_owned()
}

/// The one field of that name; `none`, or how many there are.
fn the(name: &str, answer: &Response) -> String {
    let values: Vec<&String> = answer.headers.iter().filter(|(it, _)| it == name).map(|(_, value)| value).collect();
    match values.as_slice() {
        [] => "none".to_owned(),
        [one] => (*one).clone(),
        several => format!("{} fields", several.len()),
    }
}

fn header_names(echo: &Value) -> Vec<&str> {
    let headers = echo["headers"].as_array().into_iter().flatten();
    headers.filter_map(|pair| pair[0].as_str()).collect()
}
