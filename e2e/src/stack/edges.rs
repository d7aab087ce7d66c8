//! More Envoys beside a stack's own: of the same control plane, of none, or with a bundle of their own.
//!
//! Invariant: each has its own ports, and ends with its handle.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_seal::PrivateKey;
use serde_json::json;

use super::{Services, Setup, Stack};
use crate::ports::Ports;

impl Stack {
    /// A second Envoy with this stack's credentials, whose control plane nobody ever started.
    pub(crate) async fn orphan(&self) -> anyhow::Result<Self> {
        let mut orphan = Self::new(Setup { ports: Ports::free()?, data: None, ..self.setup.clone() })?;
        orphan.services.clone_from(&self.services);
        std::fs::create_dir_all(orphan.control_data())?;
        std::fs::copy(self.control_data().join("edge.env"), orphan.control_data().join("edge.env"))?;
        orphan.start_envoy().await?;
        Ok(orphan)
    }

    /// Another Envoy of this stack's control plane and upstreams.
    pub(crate) async fn another_edge(&self, edge_id: &'static str) -> anyhow::Result<Self> {
        self.start_another(edge_id, self.services.clone()).await
    }

    async fn start_another(&self, edge_id: &'static str, services: Option<Services>) -> anyhow::Result<Self> {
        let own = Ports::free()?;
        let ports = Ports { edge: own.edge, admin: own.admin, ..self.setup.ports };
        let secrets = Some(self.setup.secrets.clone().unwrap_or_else(|| self.control_data()));
        let mut other = Self::new(Setup { ports, data: None, secrets, edge_id, ..self.setup.clone() })?;
        other.services = services;
        std::fs::create_dir_all(other.control_data())?;
        std::fs::copy(self.control_data().join("edge.env"), other.control_data().join("edge.env"))?;
        other.start_envoy().await?;
        other.wait_enforcing().await?;
        Ok(other)
    }

    /// The same, which opens secrets with these keys.
    pub(crate) async fn another_edge_with(&self, edge_id: &'static str, keys: &[&PrivateKey]) -> anyhow::Result<Self> {
        let services = self.services()?.with_keys(keys);
        self.start_another(edge_id, Some(services)).await
    }

    /// Another Envoy of this stack's upstreams, which has a bundle in its configuration and asks nobody.
    pub(crate) async fn edge_with_bundle(&self, bundle: &[u8], public_key: &str) -> anyhow::Result<Self> {
        let own = Ports::free()?;
        let ports = Ports { edge: own.edge, admin: own.admin, ..self.setup.ports };
        let mut plugin = json!({ "bundle": STANDARD.encode(bundle), "public_keys": [public_key] });
        if self.services.is_some() {
            plugin["edge_keys"] = json!([portcullis_testkit::edge_key().expose()]);
        }
        let plugin = Some(plugin);
        let mut other = Self::new(Setup { ports, data: None, plugin, ..self.setup.clone() })?;
        other.services.clone_from(&self.services);
        std::fs::create_dir_all(other.control_data())?;
        std::fs::copy(self.control_data().join("edge.env"), other.control_data().join("edge.env"))?;
        other.start_envoy().await?;
        other.wait_enforcing().await?;
        Ok(other)
    }
}
