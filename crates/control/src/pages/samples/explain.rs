//! Pages that explain.

use super::*;
use crate::pages::explain::{Check, Denial, DenialRow, Denials, Explain, ExplainFields, Explanation, Outcome};
use crate::pages::form::Problems;
use crate::pages::parts::Pager;

pub(super) fn denials() -> Vec<DenialRow> {
    let row = |reason: &str, status, key: Option<(&str, &str)>, path: &str, seconds| DenialRow {
        request_id: key.is_some().then(|| "9f1c2a7e-5b1d-4a38-9d55-6f0f9f3f2a10".to_owned()),
        at: ago(seconds),
        reason: reason.to_owned(),
        status: Some(status),
        key: key.map(|(id, name)| (id.to_owned(), name.to_owned())),
        method: "GET".to_owned(),
        path: path.to_owned(),
        address: "198.51.100.23".to_owned(),
        edge: "edge-eu-1".to_owned(),
    };
    let key = Some(("key_4fTq9ZxLw2Pm0aRb", "checkout-api"));
    vec![
        row("IP address not allowed", 403, key, "/api/v1/skills", 20),
        row("Invalid API key", 401, None, HOSTILE, 4000),
    ]
}

fn explanation(allowed: bool) -> Explanation {
    let check = |step: &str, outcome, detail: &str| Check {
        step: Check::label(step).to_owned(),
        outcome,
        detail: detail.to_owned(),
    };
    let last = if allowed { Outcome::Passed } else { Outcome::Denied };
    Explanation {
        allowed,
        status: if allowed { 200 } else { 403 },
        code: "ip_not_allowed".to_owned(),
        message: "IP address not allowed".to_owned(),
        rule: allowed.then(|| "GET /api/v1/skills/** wants skills:read".to_owned()),
        checks: vec![
            check("route", Outcome::Passed, "the rule `GET /api/v1/skills/**` is for this path and wants skills:read"),
            check("status", Outcome::Passed, "active; not revoked, disabled or expired"),
            check("referrer", Outcome::Observed, HOSTILE),
            check("ip", last, "`198.51.100.23` is in none of 203.0.113.0/24, 2001:db8::/48"),
        ],
    }
}

fn fields() -> ExplainFields {
    ExplainFields {
        key: "key_4fTq9ZxLw2Pm0aRb".to_owned(),
        method: "POST".to_owned(),
        path: HOSTILE.to_owned(),
        ..ExplainFields::default()
    }
}

pub(super) fn pages() -> Vec<Page> {
    let explain = |explanation, problems| Explain {
        shell: shell("Explain", Section::Explain),
        explain: ExplainFields { problems, ..fields() },
        keys: pairs(&[("key_4fTq9ZxLw2Pm0aRb", HOSTILE)]),
        explanation,
    };
    let found = |explanation| Denial {
        shell: shell("Denial", Section::Denials),
        denial: denials().remove(0),
        code: "ip_not_allowed".to_owned(),
        meaning: "The key may not be used from this address. Add it to the key's addresses, or call from one of them."
            .to_owned(),
        explanation,
    };
    let looked_up = |problems, denials| Denials {
        shell: shell("Denials", Section::Denials),
        request_id: String::new(),
        problems,
        denials,
        pager: Pager { shown: 2, first: None, next: Some("/denials?cursor=12".to_owned()) },
    };
    vec![
        page("explain", &explain(None, Problems(vec![("key", "no such key".to_owned())]))),
        page("explain-denied", &explain(Some(explanation(false)), Problems::default())),
        page("explain-allowed", &explain(Some(explanation(true)), Problems::default())),
        page("denials", &looked_up(Problems::default(), denials())),
        page(
            "denials-empty",
            &looked_up(Problems(vec![("request_id", "no denial with this id is kept".to_owned())]), vec![]),
        ),
        page("denial", &found(Some(explanation(false)))),
        page("denial-plain", &found(None)),
    ]
}
