//! What changes besides who may do what, in sentences: formats, environments, scopes, places of credentials.

use std::collections::BTreeMap;

use portcullis_engine::spec::{CredentialPlace, CredentialSpec};

use super::Comparison;

/// All of them.
pub(super) fn all(it: &Comparison<'_>) -> Vec<String> {
    [formats(it), environments(it), scopes(it), places(it), tokens(it)].concat()
}

/// Keys that are no keys any more, or are again, or are of another environment.
fn formats(it: &Comparison<'_>) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str), (u64, bool, bool)> = BTreeMap::new();
    for (group, key) in it.groups.iter().zip(&it.keys) {
        let formed = (it.old.knows(key), it.new.knows(key));
        counts.entry((&group.prefix, &group.environment)).or_insert((0, formed.0, formed.1)).0 += group.keys;
    }
    let note = |((prefix, environment), (keys, before, after)): ((&str, &str), (u64, bool, bool))| {
        let (count, now) = (count(keys), it.new.room.format_with(prefix).map(|it| it.environment.as_str()));
        match (before, after, now) {
            (true, false, _) => Some(format!("{count} with prefix `{prefix}` will be malformed")),
            (false, true, _) => Some(format!("{count} with prefix `{prefix}` will be well-formed again")),
            (true, true, Some(now)) if now != environment => {
                Some(format!("{count} with prefix `{prefix}` will be of environment `{now}`, not `{environment}`"))
            }
            _ => None,
        }
    };
    counts.into_iter().filter_map(note).collect()
}

/// Environments that keys can no longer be made in.
fn environments(it: &Comparison<'_>) -> Vec<String> {
    let (old, new) = (it.old.room, it.new.room);
    let gone = old.spec().environments.iter().filter(|name| old.format_for(name).is_some());
    let gone = gone.filter(|name| new.format_for(name).is_none());
    gone.map(|name| format!("no new keys can be made in environment `{name}`: it has no key format")).collect()
}

/// Scopes that keys hold and the policy no longer knows.
fn scopes(it: &Comparison<'_>) -> Vec<String> {
    let mut held: BTreeMap<&str, u64> = BTreeMap::new();
    for group in it.groups {
        for scope in group.scopes.split_whitespace() {
            *held.entry(scope).or_default() += group.keys;
        }
    }
    let (old, new) = (it.old.room, it.new.room);
    let gone = held.into_iter().filter(|(scope, _)| old.knows_scope(scope) && !new.knows_scope(scope));
    let note = |(scope, keys)| match keys {
        1 => format!("the policy no longer knows the scope `{scope}`, which 1 key holds"),
        _ => format!("the policy no longer knows the scope `{scope}`, which {keys} keys hold"),
    };
    gone.map(note).collect()
}

/// Places where clients put their key and nobody looks any more.
fn places(it: &Comparison<'_>) -> Vec<String> {
    let (old, new) = (&it.old.room.spec().credentials, &it.new.room.spec().credentials);
    let note = |CredentialSpec { place, name, scheme }: &CredentialSpec| {
        let place = match place {
            CredentialPlace::Header => "header",
            CredentialPlace::Query => "query parameter",
            CredentialPlace::Cookie => "cookie",
        };
        let scheme = scheme.as_ref().map(|scheme| format!(" with scheme `{scheme}`")).unwrap_or_default();
        format!("clients that send their key in the {place} `{name}`{scheme} are refused")
    };
    old.iter().filter(|place| !new.contains(place)).map(note).collect()
}

/// Access tokens that are not minted any more, or are for somebody else.
fn tokens(it: &Comparison<'_>) -> Vec<String> {
    let (old, new) = (&it.old.room.spec().tokens, &it.new.room.spec().tokens);
    // What has no prefix is no API key.
    let without: u64 = it.groups.iter().filter(|group| group.prefix.is_empty()).map(|group| group.keys).sum();
    match (old, new) {
        (Some(_), None) => {
            let who = match without {
                0 => "nobody had one".to_owned(),
                1 => "1 credential, grant or issuer is of no use then".to_owned(),
                _ => format!("{without} credentials, grants and issuers are of no use then"),
            };
            vec![format!("access tokens are neither minted nor accepted any more: {who}")]
        }
        (Some(old), Some(new)) if old.audience != new.audience => {
            vec!["access tokens that were minted before are refused: they are for another audience".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn count(keys: u64) -> String {
    match keys {
        1 => "1 key".to_owned(),
        _ => format!("{keys} keys"),
    }
}
