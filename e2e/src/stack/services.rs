//! What edges need for a policy's services: a pair of keys for secrets, and a cluster for each service.
//!
//! All clusters lead to one fake service. Invariant: the private key goes into Envoy's environment and nowhere else.

use anyhow::Context as _;
use portcullis_seal::PrivateKey;
use portcullis_testkit::service_clusters;

use super::Setup;

/// What an edge opens secrets with, and where services are.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    /// Private keys, as Envoy's environment has them.
    keys: String,
    clusters: Vec<String>,
}

impl Services {
    /// For that policy, with a new pair of keys; `None` if it has no services.
    pub(super) fn of(setup: &Setup) -> anyhow::Result<Option<Self>> {
        let clusters = service_clusters(&setup.policy)?;
        let services = || Ok(Self { keys: new_key()?.expose(), clusters: clusters.clone() });
        (!clusters.is_empty()).then(services).transpose()
    }

    /// The same services, opened with these keys.
    pub(crate) fn with_keys(&self, keys: &[&PrivateKey]) -> Self {
        let keys: Vec<String> = keys.iter().map(|key| key.expose()).collect();
        Self { keys: keys.join(","), clusters: self.clusters.clone() }
    }

    /// The public half of the first key.
    pub(crate) fn public_key(&self) -> anyhow::Result<String> {
        let first = self.keys.split(',').next().unwrap_or_default();
        Ok(first.parse::<PrivateKey>().map(|key| key.public().to_string())?)
    }

    /// The first private key's digits, to open boxes with elsewhere and to look for where they must not be.
    pub(crate) fn private_key(&self) -> &str {
        let first = self.keys.split(',').next().unwrap_or_default();
        first.strip_prefix("private_").unwrap_or(first)
    }

    /// The variable of Envoy's environment.
    pub(super) fn environment(&self) -> (&str, &str) {
        ("PORTCULLIS_EDGE_KEYS", &self.keys)
    }

    /// What stands for it in envoy.yaml.
    pub(super) fn values(&self, port: u16) -> [(String, String); 2] {
        let clusters: String = self.clusters.iter().map(|name| cluster(name, port)).collect();
        [
            ("PORTCULLIS_EDGE_KEYS_ENV".to_owned(), "PORTCULLIS_EDGE_KEYS".to_owned()),
            ("PORTCULLIS_SERVICE_CLUSTERS".to_owned(), format!("one fake\n{clusters}")),
        ]
    }
}

/// A new private key.
pub(crate) fn new_key() -> anyhow::Result<PrivateKey> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("no randomness")?;
    Ok(PrivateKey::from_bytes(bytes))
}

fn cluster(name: &str, port: u16) -> String {
    let address = format!("{{ address: 127.0.0.1, port_value: {port} }}");
    let endpoint = format!("{{ endpoint: {{ address: {{ socket_address: {address} }} }} }}");
    let load = format!("{{ cluster_name: \"{name}\", endpoints: [{{ lb_endpoints: [{endpoint}] }}] }}");
    format!("    - {{ name: \"{name}\", type: STATIC, connect_timeout: 1s, load_assignment: {load} }}\n")
}
