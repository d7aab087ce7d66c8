//! Envoys and the control plane are killed at random while everybody asks.
//!
//! What a dead Envoy held may be spent or not, so it stays charged: never more than the limit, and no less than the limit
//! without what the dead held.

use std::time::{Duration, Instant};

use super::{ENVOYS, EXPIRY, LIMIT, REQUESTS, demand};
use crate::demand::Demand;
use crate::fleet::Fleet;
use crate::report::Report;
use crate::scenario::limits::{Tenant, monthly};

/// Between two requests of a client: 40,000 requests are to outlast some crashes.
const PAUSE: Duration = Duration::from_millis(12);

pub(super) async fn run(fleet: &mut Fleet, seed: u64, report: &mut Report) -> anyhow::Result<()> {
    let control = fleet.control()?;
    let tenant = Tenant::create(&control, "crashes", monthly(LIMIT)).await?;
    fleet.settle().await?;
    let arrivals = fleet.arrivals()?.clone();
    let arrived = || arrivals.of_organization(&tenant.organization);
    report.figure("seed", seed);
    let since = Instant::now();
    let load = Demand::start(&demand::plan(fleet, &tenant, REQUESTS, PAUSE));
    let (mut dice, mut envoys, mut controls) = (Dice(seed), 0, 0);
    while load.begun() < REQUESTS {
        // Not to wait for anything: crashes come when they come.
        tokio::time::sleep(Duration::from_millis(200 + dice.below(1000))).await;
        match usize::try_from(dice.below(ENVOYS as u64 + 1))? {
            ENVOYS => {
                controls += 1;
                fleet.crash_control().await?;
            }
            envoy => {
                envoys += 1;
                fleet.crash(envoy).await?;
            }
        }
        anyhow::ensure!(arrived() <= LIMIT, "{} of {LIMIT} were let through", arrived());
    }
    let mut seen = load.finish().await?;
    report.figure("crash_seconds", since.elapsed().as_secs());
    report.figure("crashes_of_envoys", envoys);
    report.figure("crashes_of_the_control_plane", controls);
    fleet.settle().await?;
    // Once nobody holds any, dead leases are over too.
    let (more, at_end) = demand::to_the_end(fleet, &tenant, EXPIRY).await?;
    seen.add(more);
    println!("  crashes, at the end: {at_end}");
    demand::compare("crashes", &seen, arrived(), report);
    report.figure("crashes_allowed", arrived());
    report.figure("crashes_in_doubt", at_end.in_doubt);
    report.figure("crashes_held_unspent_by_the_dead", LIMIT.saturating_sub(arrived()));
    report.check(format!("crashes: at most {LIMIT} were let through"), arrived() <= LIMIT);
    report.check(
        "crashes: all but what dead Envoys may not have spent was let through",
        arrived() + at_end.in_doubt >= LIMIT,
    );
    report.equal("crashes: used and in doubt are all there was", at_end.used + at_end.in_doubt, LIMIT);
    report.check("crashes: what is told to be used did arrive", at_end.used <= arrived());
    demand::all_refuse(fleet, &tenant.request(), report).await
}

/// SplitMix64: the same crashes for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}
