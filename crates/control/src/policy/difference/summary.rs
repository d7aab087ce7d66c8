//! A difference in one line.

use portcullis_api::policy::{AccessChange, Endpoint};

/// `3 keys lose access to POST /v1/refunds; 12 keys gain access to GET /v1/payouts and 2 more`.
pub(super) fn of(
    (losing, gaining): (u64, u64),
    loses: &[AccessChange],
    gains: &[AccessChange],
    opens: &[Endpoint],
    closes: &[Endpoint],
) -> String {
    let mut parts = Vec::new();
    for (keys, lines, one, many) in [(losing, loses, "loses", "lose"), (gaining, gains, "gains", "gain")] {
        if let Some(first) = lines.first() {
            let (noun, verb) = if keys == 1 { ("key", one) } else { ("keys", many) };
            let what = format!("{} {}{}", first.method, first.path, more(lines.len()));
            parts.push(format!("{keys} {noun} {verb} access to {what}"));
        }
    }
    if parts.is_empty() {
        parts.push("no key's access changes".to_owned());
    }
    for (endpoints, verb) in [(opens, "open to anyone"), (closes, "no longer open to anyone")] {
        if let Some(first) = endpoints.first() {
            parts.push(format!("{verb}: {} {}{}", first.method, first.path, more(endpoints.len())));
        }
    }
    parts.join("; ")
}

fn more(lines: usize) -> String {
    match lines {
        0 | 1 => String::new(),
        _ => format!(" and {} more", lines - 1),
    }
}
