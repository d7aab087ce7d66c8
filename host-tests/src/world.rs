//! What the VMs of one process share: clock, shared data, stats, log, clusters, callouts in flight.
//!
//! No threads: VMs take turns, which is what makes every test repeatable. Time moves only when a test moves it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::guest::VmId;
use crate::headers::Headers;
use crate::metrics::Stats;
use crate::shared_data::SharedData;

/// Whether a cluster can be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cluster {
    /// It has a host.
    Healthy,
    /// It is configured but has no host: dispatching fails with `InternalFailure`.
    Empty,
}

/// One line the module logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// The VM that logged it.
    pub vm: VmId,
    /// 0 trace, 1 debug, 2 info, 3 warn, 4 error, 5 critical. Nothing is filtered out.
    pub level: u32,
    /// The text.
    pub text: String,
}

/// An HTTP call a VM made and has no answer to yet.
#[derive(Clone, Debug)]
pub struct Callout {
    /// Unique in the process; [`Process::answer`](crate::Process::answer) takes it.
    pub id: u64,
    /// The VM that called.
    pub vm: VmId,
    /// The cluster it called.
    pub cluster: String,
    /// Headers, pseudo-headers included.
    pub headers: Headers,
    /// Body.
    pub body: Vec<u8>,
    /// Zero is no timeout.
    pub timeout: Duration,
    pub(crate) generation: u32,
    pub(crate) root: u32,
    pub(crate) token: u32,
}

impl Callout {
    /// `METHOD /path`.
    #[must_use]
    pub fn line(&self) -> String {
        let text = |name| self.headers.text(name).unwrap_or_default();
        format!("{} {}", text(":method"), text(":path"))
    }
}

/// Shared by all VMs of a process.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) now_ns: u64,
    pub(crate) log_level: u32,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) shared: SharedData,
    pub(crate) stats: Stats,
    pub(crate) logs: Vec<LogLine>,
    pub(crate) clusters: BTreeMap<String, Cluster>,
    pub(crate) callouts: Vec<Callout>,
    pub(crate) last_callout: u64,
    pub(crate) last_connection: u64,
}
