//! Which keys the requests of a round carry.
//!
//! Among more keys than a round has requests, each round takes others, so that none was seen lately: as if all were used in
//! turn. Invariant: the same round asks with the same keys in every run.

use super::super::tokens::request;

/// Requests with about `count` keys, spread over all of them; other ones for each `round` if there are enough.
pub(super) fn spread(path: &str, keys: &[String], count: usize, round: usize) -> Vec<Vec<u8>> {
    let step = (keys.len() / count.max(1)).max(1);
    let chosen = keys.iter().skip(round % step).step_by(step).take(count);
    chosen.map(|key| request(path, key).bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_among_many_keys_share_none() {
        let keys: Vec<String> = (0..1000).map(|number| format!("key-{number}")).collect();
        let [first, second] = [0, 1].map(|round| spread("/", &keys, 100, round));
        assert_eq!((first.len(), second.len()), (100, 100));
        assert!(first.iter().all(|it| !second.contains(it)));
        assert_eq!(spread("/", &keys, 100, 10), first, "after all keys it begins again");
        assert_eq!(spread("/", &keys, 5000, 3).len(), 1000, "few keys are all used");
    }
}
