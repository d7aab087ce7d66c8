//! Two Envoys on envoy.fleet-limits.yaml: what the rate limit service counts holds for both together.

use std::time::Duration;

use serde_json::json;

use crate::counter::Counter;
use crate::demand::{Demand, Plan};
use crate::fleet::Fleet;
use crate::ports::{self, local};
use crate::report::Report;
use crate::scenario::limits::{Policy, THING, Tenant, get};
use crate::stack::Setup;

/// What the service lets through of each descriptor.
const LIMIT: u64 = 300;
const REQUESTS: u64 = 2_000;

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let port = ports::free()?;
    let counter = Counter::start(local(port), LIMIT).await?;
    let policy = Policy::with(&[])?;
    let variables = [("PORTCULLIS_RATE_LIMIT_PORT", port.to_string())].into();
    let setup = Setup { envoy: "envoy.fleet-limits.yaml", variables, ..policy.setup()? };
    let fleet = Fleet::start(setup, 2).await?;
    let control = fleet.control()?;
    let tenant = Tenant::unlimited(&control, "fleet").await?;
    let other = tenant.another_key(&control, json!({})).await?;
    fleet.settle().await?;

    let plan = Plan {
        edges: fleet.edges(),
        requests: vec![
            get(THING, &tenant.key),
            get(THING, &other),
            get(THING, &tenant.key).header("x-portcullis-org", "forged"),
        ],
        clients: 16,
        count: REQUESTS,
        pause: Duration::ZERO,
    };
    let seen = Demand::start(&plan).finish().await?;
    println!("  over two Envoys, clients saw {seen}");
    let arrived = fleet.arrivals()?.of_organization(&tenant.organization);
    report.equal("two Envoys together let through", arrived, LIMIT);
    report.equal("as clients saw it", seen.of("200"), LIMIT);
    report.equal("and refused the others", seen.of("429"), REQUESTS - LIMIT);
    let asked = counter.asked();
    let of = |descriptor: &str| asked.get(&format!("portcullis/{descriptor}")).copied().unwrap_or_default();
    report.equal("the service was asked for the organisation", of(&format!("org={}", tenant.organization)), REQUESTS);
    let of_keys = of(&format!("key={}", tenant.key.id)) + of(&format!("key={}", other.id));
    report.equal("and for its keys", of_keys, REQUESTS);
    report.check("never for what a client named", !asked.keys().any(|it| it.contains("forged")));

    // As the file says: without the service requests pass.
    drop(counter);
    let answer = fleet.stacks().next().ok_or_else(|| anyhow::anyhow!("no Envoy"))?.ask(&tenant.request()).await?;
    report.equal("once the service is gone", answer.status, 200);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::tools;

    #[test]
    fn the_variant_only_adds_to_envoy_yaml() {
        let read = |name: &str| std::fs::read_to_string(tools::root().unwrap().join(name)).unwrap();
        let (base, variant) = (read("envoy.yaml"), read("envoy.fleet-limits.yaml"));
        let mut variant = variant.lines();
        for line in base.lines() {
            assert!(variant.any(|it| it == line), "not in envoy.fleet-limits.yaml, or elsewhere: `{line}`");
        }
    }
}
