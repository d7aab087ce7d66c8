//! A schedule from its first key on.

use super::*;

const NOW: u64 = 1_768_478_400;
const TERMS: Terms = Terms { algorithm: Algorithm::EdDsa, signs_for: 30 * DAY, token_lives: 930 };

fn key(kid: &str, signs_from: u64) -> TokenKeyRow {
    TokenKeyRow {
        kid: kid.to_owned(),
        algorithm: "EdDSA".to_owned(),
        jwk: String::new(),
        secret: Some(vec![1]),
        created_at: signs_from,
        signs_from,
        signs_until: None,
        accepted_until: None,
        revoked_at: None,
    }
}

fn phases(rows: &[TokenKeyRow], now: u64) -> String {
    let mut phases: Vec<_> =
        rows.iter().map(|row| format!("{} {}", row.kid, Phase::of(row, rows, now).as_str())).collect();
    phases.sort();
    phases.join(", ")
}

fn due_at(rows: &[TokenKeyRow], now: u64) -> Option<u64> {
    due(rows, TERMS, now, |_| true)
}

#[test]
fn a_key_is_published_before_it_signs_and_accepted_after_it_did() {
    assert_eq!(due_at(&[], NOW), Some(NOW), "the first one at once");
    let first = followed(Vec::new(), key("a", NOW), TERMS);
    let change = NOW + 30 * DAY;
    for (now, expected) in [
        (NOW, None),
        (change - AHEAD - 1, None),
        (change - AHEAD, Some(change)),
        (change + 5, Some(change + 5 + AHEAD)),
    ] {
        assert_eq!(due_at(&first, now), expected, "{now}");
    }
    let both = followed(first, key("b", change), TERMS);
    for (now, expected) in [
        (change - AHEAD, "a active, b next"),
        (change - 1, "a active, b next"),
        (change, "a retiring, b active"),
        (change + 930, "a retiring, b active"),
        (change + 930 + MARGIN - 1, "a retiring, b active"),
        (change + 930 + MARGIN, "b active"),
    ] {
        assert_eq!(phases(&pruned(both.clone(), now), now), expected, "{now}");
        assert_eq!(due_at(&pruned(both.clone(), now), now), None, "{now}");
    }
}

#[test]
fn another_algorithm_and_a_key_that_does_not_open_want_another_key() {
    let rows = vec![key("a", NOW)];
    let terms = Terms { algorithm: Algorithm::Es256, ..TERMS };
    assert_eq!(due(&rows, terms, NOW + 1, |_| true), Some(NOW + 1 + AHEAD));
    assert_eq!(due(&rows, TERMS, NOW + 1, |_| false), Some(NOW + 1));
    let next = TokenKeyRow { algorithm: "ES256".to_owned(), ..key("b", NOW + 1 + AHEAD) };
    let rows = followed(rows, next, terms);
    assert_eq!(due(&rows, terms, NOW + 2, |_| true), None);
    // Back again, before it signed.
    assert_eq!(due(&rows, TERMS, NOW + 2, |_| true), Some(NOW + 2 + AHEAD));
}

#[test]
fn a_clock_that_is_behind_signs_with_the_first_key() {
    let rows = vec![key("a", NOW)];
    assert_eq!((signer(&rows, NOW - 2).map(|row| row.kid.as_str()), due_at(&rows, NOW - 2)), (Some("a"), None));
}

#[test]
fn what_is_hurried_signs_and_what_is_revoked_does_not() {
    let rows = followed(vec![key("a", NOW)], key("b", NOW + AHEAD), TERMS);
    let hurried = hurried(rows.clone(), "b", NOW + 1, TERMS);
    assert_eq!(phases(&hurried, NOW + 1), "a retiring, b active");
    let ended = hurried.iter().find(|row| row.kid == "a").unwrap();
    assert_eq!((ended.signs_until, ended.accepted_until), (Some(NOW + 1), Some(NOW + 1 + 930 + MARGIN)));
    let without = revoked(rows, "a", NOW + 1);
    assert_eq!(phases(&without, NOW + 1), "a revoked, b active", "rather than none");
    assert_eq!(without.iter().find(|row| row.kid == "a").unwrap().secret, None);
    assert_eq!(due_at(&revoked(vec![key("a", NOW)], "a", NOW + 1), NOW + 1), Some(NOW + 1));
    assert_eq!(pruned(without.clone(), NOW + REMEMBERED).len(), 2);
    assert_eq!(phases(&pruned(without, NOW + 1 + REMEMBERED), NOW + 1 + REMEMBERED), "b active");
}
