//! Public keys beside what edges open with: on `/edges`, and what of it does not fit.
//!
//! It asks nobody. Invariant: nothing is warned of that edges do not tell, such as those of an earlier version.

use portcullis_api::status::Edge;
use portcullis_api::{EdgeKey, KeyHolders};

use crate::pages::edges::{EdgeKeyRow, HeldKey};
use crate::pages::when::When;

pub(super) fn row(key: EdgeKey, now: u64) -> EdgeKeyRow {
    EdgeKeyRow {
        id: key.id,
        public_key: key.public_key,
        description: key.description,
        added: When::parse(&key.created_at, now),
        added_by: key.created_by,
        unsealed: key.unsealed,
        edges: key.edges.unwrap_or_default(),
    }
}

/// The keys that an edge has, and whether secrets are sealed to each.
pub(super) fn marked(held: Vec<String>, keys: &[EdgeKey]) -> Vec<HeldKey> {
    held.into_iter().map(|id| HeldKey { is_known: is_known(&id, keys), id }).collect()
}

/// Keys that no edge has; and edges that have none of them, if there are secrets.
pub(super) fn warnings(keys: &[EdgeKey], edges: &[Edge], is_used: bool) -> Vec<String> {
    let is_nobodys = |key: &&EdgeKey| key.edges.is_some_and(KeyHolders::is_nobodys);
    let nobodys = keys.iter().filter(is_nobodys).map(|key| {
        format!("No edge has the private half of {}: what is sealed to it alone can be used nowhere.", name(key))
    });
    let opens_nothing = |edge: &&Edge| {
        let has_none = |held: &Vec<String>| !held.iter().any(|id| is_known(id, keys));
        is_used && !edge.silent && edge.edge_keys.as_ref().is_some_and(has_none)
    };
    let without = edges.iter().filter(opens_nothing);
    let without = without.map(|edge| {
        format!(
            "The edge {} has no key that secrets are sealed to: it answers 503 to whoever needs a secret.",
            edge.edge
        )
    });
    nobodys.chain(without).collect()
}

fn is_known(id: &str, keys: &[EdgeKey]) -> bool {
    keys.iter().any(|key| key.id == id)
}

fn name(key: &EdgeKey) -> &str {
    if key.description.is_empty() { &key.id } else { &key.description }
}
