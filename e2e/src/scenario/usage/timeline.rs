//! When what arrived of the Envoy that is killed.

use std::time::{Duration, Instant};

use super::asked::Asked;
use crate::fleet::Fleet;

const STEP: Duration = Duration::from_millis(100);

/// How much had arrived by when.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    seen: Vec<(Instant, u64)>,
}

impl Timeline {
    /// Goes on for that long.
    pub(super) async fn follow(&mut self, fleet: &Fleet, asked: &Asked, lasting: Duration) -> anyhow::Result<()> {
        let end = Instant::now() + lasting;
        while Instant::now() < end {
            tokio::time::sleep(STEP).await;
            self.seen.push((Instant::now(), asked.arrived_of_victim(fleet)?));
        }
        Ok(())
    }

    /// How much arrived within that time until now, by the last look, and a step before it.
    pub(super) fn last(&self, within: Duration) -> u64 {
        let before = |(at, _): &&(Instant, u64)| at.elapsed() >= within + STEP;
        let then = self.seen.iter().rev().find(before).map_or(0, |(_, count)| *count);
        self.seen.last().map_or(0, |(_, count)| count.saturating_sub(then))
    }
}
