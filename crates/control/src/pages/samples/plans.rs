//! Plans, quotas and what every page says of one.

use super::*;
use crate::pages::form::Problems;
use crate::pages::limits::LimitFields;
use crate::pages::parts::{Badge, Tone};
use crate::pages::plans::{PlanFields, PlanPage, PlanRow, Plans};
use crate::pages::quota::{MeterFacts, OrganizationPlan, QuotaCard, TopUpRow};

pub(super) fn card(percent: u64) -> QuotaCard {
    QuotaCard {
        plan: Some("free".to_owned()),
        meter: Some(MeterFacts {
            used: 300 * percent,
            limit: 30_000,
            remaining: 30_000 - 300 * percent,
            topped_up: 5_000,
            held: 250,
            in_doubt: 120,
            percent,
            resets: "31 Jan 2026, 00:00 (Europe/Berlin)".to_owned(),
            resets_in: When::new(NOW + days(15), NOW),
            began: "1 Jan 2026, 00:00 (Europe/Berlin)".to_owned(),
        }),
    }
}

pub(super) fn uncounted() -> QuotaCard {
    QuotaCard { plan: None, meter: None }
}

/// What every page of an organisation says once much of its quota is used.
pub(super) fn warned(shell: Shell, kind: NoticeKind) -> Shell {
    let text = "The quota is used up: 30,000 of 30,000 tokens.".to_owned();
    let detail = "Requests are answered with 429 until it resets: 31 Jan 2026, 00:00 (Europe/Berlin). Ask the operator \
                  for a top-up or a larger plan.";
    Shell { quota: Some(Notice { kind, text, detail: Some(detail.to_owned()), receipt: None }), ..shell }
}

pub(super) fn limits() -> LimitFields {
    LimitFields {
        limit: "30000".to_owned(),
        no_limit: "no limit",
        periods: vec![("30d", "30 days", true), ("month", "A calendar month", false)],
        rate_requests: HOSTILE.to_owned(),
        ..LimitFields::default()
    }
}

fn fields() -> PlanFields {
    PlanFields {
        name: String::new(),
        display_name: HOSTILE.to_owned(),
        limits: limits(),
        lost_leases: vec![
            ("spent", "What it held counts as used", "The limit is never exceeded.", true),
            ("returned", "What it held can be used again", "The limit may be exceeded.", false),
        ],
        ..PlanFields::default()
    }
}

fn plans(rich: bool) -> Plans {
    let row = |name: &str, limit, default| PlanRow {
        name: "free".to_owned(),
        display_name: name.to_owned(),
        limit,
        period: "in 30 days",
        rate: limit.map(|_| "100 in 60 s, 20 at once".to_owned()),
        default,
    };
    let rows =
        vec![row("Free", Some(30_000), Some(Badge::new(Tone::Good, "New organisations"))), row(HOSTILE, None, None)];
    let problems = Problems(vec![("limit", "Expected a whole number.".to_owned()), ("name", "Is taken.".to_owned())]);
    Plans {
        shell: warned(shell("Plans", Section::Plans), NoticeKind::Warning),
        rows: if rich { rows } else { vec![] },
        fields: fields(),
        problems: if rich { problems } else { Problems::default() },
    }
}

fn plan() -> PlanPage {
    PlanPage {
        shell: warned(shell("Free", Section::Plans), NoticeKind::Problem),
        name: "free".to_owned(),
        display_name: HOSTILE.to_owned(),
        fields: fields(),
        problems: Problems::default(),
    }
}

fn organization(rich: bool) -> OrganizationPlan {
    let row = |note: &str| TopUpRow {
        tokens: 5_000,
        note: note.to_owned(),
        given: ago(days(1)),
        ends: When::new(NOW + days(15), NOW),
    };
    OrganizationPlan {
        shell: shell("Initech", Section::Organizations),
        id: "org_2222222222222222".to_owned(),
        name: HOSTILE.to_owned(),
        quota: if rich { card(85) } else { uncounted() },
        plan: rich.then(|| "free".to_owned()),
        plans: pairs(&[("free", "Free"), ("team", HOSTILE)]),
        time_zone: "Europe/Berlin".to_owned(),
        top_ups: if rich { vec![row(HOSTILE), row("")] } else { vec![] },
        tokens: String::new(),
        note: String::new(),
        problems: if rich {
            Problems(vec![("tokens", "Expected at least 1.".to_owned())])
        } else {
            Problems::default()
        },
    }
}

pub(super) fn pages() -> Vec<Page> {
    vec![
        page("plans", &plans(true)),
        page("plans-empty", &plans(false)),
        page("plan", &plan()),
        page("organization-plan", &organization(true)),
        page("organization-plan-empty", &organization(false)),
    ]
}
