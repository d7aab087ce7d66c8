//! How a process is set up: its workers, its plugin, the clusters it knows.
//!
//! Plain data. Invariant: the default is Portcullis's own `envoy.yaml`, apart from the plugin's configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use portcullis_testkit::bundle::public_key;

use crate::world::Cluster;

/// 2026-01-15T12:00:00Z, when every corpus begins.
pub const START_OF_TIME_NS: u64 = 1_768_478_400_000_000_000;

/// What edges show the control plane here.
pub const EDGE_TOKEN: &str = "pce_0123456789abcdefghjkmnpqrs";

/// The configuration of a plugin that syncs, with more fields if need be (`"a":1`).
#[must_use]
pub fn plugin_configuration(more: &str) -> Vec<u8> {
    let comma = if more.is_empty() { "" } else { "," };
    format!(
        r#"{{"cluster":"portcullis_control","authority":"portcullis-control","edge_token":"{EDGE_TOKEN}","edge_id":"edge-1","public_keys":["{}"]{comma}{more}}}"#,
        public_key()
    )
    .into_bytes()
}

/// How a process is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Worker threads.
    pub workers: usize,
    /// The plugin's configuration.
    pub plugin_configuration: Vec<u8>,
    /// The VM's configuration.
    pub vm_configuration: Vec<u8>,
    /// Namespace of shared data.
    pub vm_id: String,
    /// Root id.
    pub root_id: String,
    /// Plugin name.
    pub plugin_name: String,
    /// Host time at the start, nanoseconds since 1970.
    pub now: u64,
    /// What `get_log_level` says: 0 trace … 5 critical.
    pub log_level: u32,
    /// What VMs are given of the environment (`host_env_keys` and `key_values`).
    pub environment: BTreeMap<String, String>,
    /// Clusters that exist.
    pub clusters: BTreeMap<String, Cluster>,
    /// A dead VM is not replaced sooner than this after it was loaded.
    pub reload_backoff: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            workers: 2,
            plugin_configuration: Vec::new(),
            vm_configuration: Vec::new(),
            vm_id: "portcullis".to_owned(),
            root_id: "portcullis".to_owned(),
            plugin_name: "portcullis".to_owned(),
            now: START_OF_TIME_NS,
            log_level: 2,
            environment: BTreeMap::new(),
            clusters: BTreeMap::from([("portcullis_control".to_owned(), Cluster::Healthy)]),
            reload_backoff: Duration::from_millis(100),
        }
    }
}
