//! What is asked while usage is counted: keys, routes, and what the answers mean.
//!
//! The Envoy that is killed has a key of its own, so that what it did not get to tell is told apart.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;

use super::told::Told;
use super::{TOLD, VICTIM};
use crate::control::Key;
use crate::demand::{Demand, Plan, Seen};
use crate::fleet::Fleet;
use crate::http::Request;
use crate::report::Report;
use crate::scenario::limits::{Tenant, get, monthly};
use crate::wait;

/// Keys, and the requests that are made with them.
pub(super) struct Asked {
    plain: Key,
    limited: Key,
    quick: Key,
    victim: Key,
    requests: Vec<Asking>,
}

struct Asking {
    request: Request,
    key: String,
    /// As rules are told: GET covers HEAD.
    route: &'static str,
    cost: u64,
}

/// Load on the Envoys that live, and on the one that does not.
pub(super) struct Load {
    living: Demand,
    victim: Option<Demand>,
}

impl Asked {
    pub(super) async fn prepare(fleet: &Fleet) -> anyhow::Result<Self> {
        let control = fleet.control()?;
        let plain = Tenant::create(&control, "plain", monthly(1_000_000)).await?;
        let limited = Tenant::create(&control, "limited", monthly(700)).await?;
        let rate = json!({ "rate": { "requests": 20, "seconds": 1, "burst": 20 } });
        let quick = plain.another_key(&control, rate).await?;
        let victim = Tenant::unlimited(&control, "victim").await?;
        fleet.settle().await?;
        let asking = |request: Request, key: &Key, route, cost| Asking { request, key: key.id.clone(), route, cost };
        let write = Request::new("POST", "/things").bearer(&plain.key.text);
        let requests = vec![
            asking(get("/things/7", &plain.key), &plain.key, "GET,HEAD /things/{id}", 1),
            asking(get("/bulk", &plain.key), &plain.key, "GET,HEAD /bulk", 5),
            asking(get("/gratis", &plain.key), &plain.key, "GET,HEAD /gratis", 0),
            asking(write, &plain.key, "POST /things", 1),
            asking(get("/things/8", &limited.key), &limited.key, "GET,HEAD /things/{id}", 1),
            asking(get("/things/9", &quick), &quick, "GET,HEAD /things/{id}", 1),
        ];
        Ok(Self { plain: plain.key, limited: limited.key, quick, victim: victim.key, requests })
    }

    /// The keys of Envoys that live.
    pub(super) fn keys(&self) -> Vec<String> {
        [&self.plain, &self.limited, &self.quick].map(|key| key.id.clone()).to_vec()
    }

    pub(super) fn names(&self) -> BTreeMap<String, &'static str> {
        let named =
            [(&self.plain, "plain"), (&self.limited, "limited"), (&self.quick, "rated"), (&self.victim, "victim")];
        named.map(|(key, name)| (key.id.clone(), name)).into()
    }

    pub(super) fn start(&self, fleet: &Fleet) -> anyhow::Result<Load> {
        let victim = Plan {
            edges: fleet.edges().into_iter().skip(VICTIM).collect(),
            requests: vec![get("/things/1", &self.victim)],
            clients: 4,
            count: u64::MAX,
            pause: Duration::from_millis(5),
        };
        Ok(Load { living: self.living(fleet, Duration::from_millis(5)), victim: Some(Demand::start(&victim)) })
    }

    pub(super) fn start_slow(&self, fleet: &Fleet) -> anyhow::Result<Load> {
        Ok(Load { living: self.living(fleet, Duration::from_millis(60)), victim: None })
    }

    fn living(&self, fleet: &Fleet, pause: Duration) -> Demand {
        let edges = fleet.edges().into_iter().take(VICTIM).collect();
        let requests = self.requests.iter().map(|asking| asking.request.clone()).collect();
        Demand::start(&Plan { edges, requests, clients: 12, count: u64::MAX, pause })
    }

    /// What is to be told of what clients saw.
    pub(super) fn expected(&self, seen: &Seen) -> Told {
        let mut told = Told::default();
        for (index, asking) in self.requests.iter().enumerate() {
            let Asking { key, route, cost, .. } = asking;
            let count = |gist: &str| Some(seen.to(index, gist)).filter(|count| *count > 0);
            count("200").into_iter().for_each(|count| told.allow(key, route, count, *cost));
            for (gist, reason) in [
                ("429 quota_exceeded", "quota_exhausted"),
                ("429 rate_limited", "rate_limited"),
                ("503 quota_unavailable", "quota_unavailable"),
                ("403 insufficient_scope", "no_scopes"),
            ] {
                count(gist).into_iter().for_each(|count| told.deny(key, route, reason, count));
            }
        }
        told
    }

    /// One request more is told, and nothing else: what came before it is all there was.
    pub(super) async fn nothing_comes_after(
        &self,
        fleet: &Fleet,
        before: &Told,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let control = fleet.control()?;
        let keys = [self.keys(), vec![self.victim.id.clone()]].concat();
        let victims = |told: &Told| told.allowed() - before.allowed();
        let mut told = Told::read(&control, &keys).await?;
        let so_far = victims(&told);
        for stack in fleet.stacks().take(VICTIM) {
            let status = stack.ask(&get("/gratis", &self.victim)).await?.status;
            anyhow::ensure!(status == 200, "a canary was answered with {status}");
        }
        let more = wait::until("the canaries to be told", TOLD, async || {
            told = Told::read(&control, &keys).await?;
            Ok((victims(&told) >= so_far + VICTIM as u64).then_some(()))
        })
        .await;
        report.check("later requests are told", more.is_ok());
        let again = Told::read(&control, &self.keys()).await?;
        report.check("and nothing of earlier ones is told twice", again == *before);
        Ok(())
    }

    /// Of the Envoy that was killed no more is told than arrived, and no less than what it had not told when it died.
    pub(super) async fn check_victim(
        &self,
        fleet: &Fleet,
        lost_at_most: u64,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let key = vec![self.victim.id.clone()];
        let arrived = self.arrived_of_victim(fleet)?;
        let told = Told::read(&fleet.control()?, &key).await?.allowed();
        report.figure("killed_envoy_let_through", arrived);
        report.figure("killed_envoy_told", told);
        report.check("of a killed Envoy no more is told than arrived", told <= arrived);
        report.figure("killed_envoy_lost", arrived.saturating_sub(told));
        report.figure("killed_envoy_last_seven_seconds", lost_at_most);
        report.check("and no less than all but its last seven seconds", told + lost_at_most >= arrived);
        Ok(())
    }

    /// What arrived of the Envoy that is killed, or was.
    pub(super) fn arrived_of_victim(&self, fleet: &Fleet) -> anyhow::Result<u64> {
        Ok(fleet.arrivals()?.of_key(&self.victim.id))
    }
}

impl Load {
    /// How many were answered with 503 so far by the Envoys that live.
    pub(super) fn unavailable(&self) -> u64 {
        self.living.unavailable()
    }

    /// Ends it; what clients of the Envoys that live saw.
    pub(super) async fn stop(self) -> anyhow::Result<Seen> {
        let seen = self.living.stop().await?;
        if let Some(victim) = self.victim {
            victim.stop().await?;
        }
        Ok(seen)
    }
}
