//! Several Envoys of one control plane, each with its own name and ports, before the same upstreams.
//!
//! It says where they are and starts them again; what is asked of them is not its business. Invariant: an Envoy that was
//! started again enforces before anybody is told so.

use std::net::SocketAddr;

use anyhow::Context as _;

use crate::control::Control;
use crate::stack::{Setup, Stack};
use crate::upstream::Arrivals;

const NAMES: [&str; 3] = ["edge-1", "edge-2", "edge-3"];

/// A control plane and its Envoys.
#[derive(Debug)]
pub(crate) struct Fleet {
    /// Envoys go before the control plane of the first, which is last here.
    others: Vec<Stack>,
    first: Stack,
}

impl Fleet {
    /// Starts everything; at most three Envoys.
    pub(crate) async fn start(setup: Setup, envoys: usize) -> anyhow::Result<Self> {
        let first = Stack::start(setup).await?;
        let mut others = Vec::new();
        for name in NAMES.iter().take(envoys).skip(1) {
            others.push(first.another_edge(name).await?);
        }
        Ok(Self { others, first })
    }

    /// The stack that has the control plane and the upstreams.
    pub(crate) fn first(&mut self) -> &mut Stack {
        &mut self.first
    }

    pub(crate) fn control(&self) -> anyhow::Result<Control> {
        self.first.control()
    }

    /// What arrived at the live upstream.
    pub(crate) fn arrivals(&self) -> anyhow::Result<&Arrivals> {
        self.first.arrivals()
    }

    pub(crate) fn stacks(&self) -> impl Iterator<Item = &Stack> {
        core::iter::once(&self.first).chain(&self.others)
    }

    /// Where clients find the Envoys.
    pub(crate) fn edges(&self) -> Vec<SocketAddr> {
        self.stacks().map(Stack::edge).collect()
    }

    /// One of the Envoys.
    pub(crate) fn edge(&mut self, index: usize) -> anyhow::Result<&mut Stack> {
        match index.checked_sub(1) {
            None => Ok(&mut self.first),
            Some(index) => self.others.get_mut(index).context("no such Envoy"),
        }
    }

    /// Ends an Envoy as a crash would, and starts another in its place.
    pub(crate) async fn crash(&mut self, index: usize) -> anyhow::Result<()> {
        let edge = self.edge(index)?;
        edge.kill_envoy();
        edge.start_envoy().await
    }

    /// Ends the control plane as a crash would, and starts it again.
    pub(crate) async fn crash_control(&mut self) -> anyhow::Result<()> {
        self.first.kill_control();
        self.first.start_control().await
    }

    /// Waits until every worker of every Envoy enforces what was written so far.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        let control = self.control()?;
        for stack in self.stacks() {
            stack.settle(&control).await?;
        }
        Ok(())
    }
}
