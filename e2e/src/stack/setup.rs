//! What a stack is made of, before anything of it runs.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::ports::Ports;
use crate::tools::{self, Module};

/// What a stack is made of.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) policy: PathBuf,
    pub(crate) ports: Ports,
    pub(crate) workers: u32,
    pub(crate) module: Module,
    /// Absent = a temporary folder.
    pub(crate) data: Option<PathBuf>,
    /// A PostgreSQL database's URL; absent = SQLite in the data folder.
    pub(crate) database: Option<String>,
    /// The control plane's folder of another stack, whose tokens and signing key this one shares.
    pub(crate) secrets: Option<PathBuf>,
    /// What Envoy calls itself.
    pub(crate) edge_id: &'static str,
    /// Envoy's configuration, in the repository.
    pub(crate) envoy: &'static str,
    /// What stands in it beside ports and secrets.
    pub(crate) variables: BTreeMap<&'static str, String>,
    /// More that the control plane is started with.
    pub(crate) serve: &'static [&'static str],
    /// The plugin's configuration, in place of envoy.yaml's.
    pub(crate) plugin: Option<Value>,
}

impl Setup {
    /// Free ports, one worker, a temporary folder.
    pub(crate) fn preset(name: &str) -> anyhow::Result<Self> {
        let policy = tools::root()?.join("policies").join(name).join("policy.toml");
        anyhow::ensure!(policy.exists(), "no preset `{name}`\nhint: the folders under policies/ are the presets");
        Self::policy(policy)
    }

    /// A policy of its own.
    pub(crate) fn policy(policy: PathBuf) -> anyhow::Result<Self> {
        Ok(Self {
            policy,
            ports: Ports::free()?,
            workers: 1,
            module: Module::Portcullis,
            data: None,
            database: None,
            secrets: None,
            edge_id: "edge-1",
            envoy: "envoy.yaml",
            variables: BTreeMap::new(),
            serve: &[],
            plugin: None,
        })
    }

    pub(crate) fn workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self
    }

    /// More that the control plane is started with.
    pub(crate) fn serve(mut self, arguments: &'static [&'static str]) -> Self {
        self.serve = arguments;
        self
    }

    pub(crate) fn module(mut self, module: Module) -> Self {
        self.module = module;
        self
    }
}
