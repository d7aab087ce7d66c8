//! What the audit log says of a change to a key: which members changed, from what to what.
//!
//! Invariant: nothing here can be a key's text; rows do not have it.

use serde_json::{Map, Value, json};

use crate::clock::to_rfc3339;
use crate::store::{Action, KeyRow, TrialRow};

type Detail = Vec<(&'static str, Value)>;

pub(super) fn of_creation(row: &KeyRow) -> Detail {
    let mut detail = members(row);
    detail.insert(0, ("display", json!(row.display)));
    detail.insert(1, ("environment", json!(row.environment)));
    let says_nothing = |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
    detail.retain(|(name, value)| *name != "name" && *name != "enabled" && !says_nothing(value));
    detail
}

/// What was done, and every member that changed as `[before, after]`.
pub(super) fn of_update(before: &KeyRow, after: &KeyRow) -> (Action, Detail) {
    let pairs = members(before).into_iter().zip(members(after));
    let changed = pairs.filter(|((_, old), (_, new))| old != new);
    let detail: Detail = changed.map(|((name, old), (_, new))| (name, json!([old, new]))).collect();
    let action = match detail.iter().map(|(name, _)| *name).collect::<Vec<_>>().as_slice() {
        ["enabled"] if after.enabled => Action::KeyEnabled,
        ["enabled"] => Action::KeyDisabled,
        ["restrictions"] => Action::KeyRestricted,
        _ => Action::KeyUpdated,
    };
    (action, detail)
}

pub(super) fn of_rotation(old: &KeyRow, new: &KeyRow) -> Detail {
    vec![("successor", json!(new.id.to_string())), ("works_until", json!(old.expires_at.map(to_rfc3339)))]
}

pub(super) fn of_trial(trial: &TrialRow) -> Detail {
    let scopes = trial.scopes.as_deref().map(|text| text.split_whitespace().collect::<Vec<_>>());
    let mut detail = vec![("scopes", json!(scopes)), ("restrictions", json!(trial.restrictions))];
    detail.retain(|(_, value)| !value.is_null());
    detail
}

/// What may change in a key's life.
fn members(row: &KeyRow) -> Detail {
    vec![
        ("name", json!(row.name)),
        ("scopes", json!(row.scopes.split_whitespace().collect::<Vec<_>>())),
        ("restrictions", json!(row.restrictions)),
        ("enabled", json!(row.enabled)),
        ("expires_at", json!(row.expires_at.map(to_rfc3339))),
        ("metadata", json!(row.metadata)),
        ("quota", json!(row.quota)),
        ("rate", json!(row.rate)),
        ("skill", json!(row.skill.map(|id| id.to_string()))),
    ]
}
