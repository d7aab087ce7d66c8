//! The services of a policy, for whoever has to provide them.

use std::path::Path;

use anyhow::Result;

/// The clusters that a policy file's services are in, each once.
pub fn service_clusters(policy: &Path) -> Result<Vec<String>> {
    let (_, policy) = portcullis_policy::load(policy)?;
    let mut clusters: Vec<String> = policy.services().iter().map(|it| it.cluster().to_owned()).collect();
    clusters.sort();
    clusters.dedup();
    Ok(clusters)
}
