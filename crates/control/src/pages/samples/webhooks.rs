//! Webhooks.

use super::*;
use crate::pages::form::Problems;
use crate::pages::parts::{Badge, Code, Pager, Tone};
use crate::pages::webhooks::{DeliveryRow, EventChoice, Webhook, WebhookRow, Webhooks};
use portcullis_api::ApiKey;

fn events() -> Vec<EventChoice> {
    let choice = |event, meaning, checked| EventChoice { event, meaning, checked };
    vec![
        choice("quota.threshold", "50, 80 and 100 % of a quota of this organisation are used.", true),
        choice("quota.threshold.all", "The same, of every organisation.", false),
    ]
}

fn list(rich: bool) -> Webhooks {
    let row = |url: &str, state| WebhookRow {
        id: "whk_0123456789abcdef".to_owned(),
        url: url.to_owned(),
        events: strings(&["quota.threshold", "quota.threshold.all"]),
        state,
        created: ago(days(12)),
    };
    let rows = vec![
        row("https://hooks.northwind.example/portcullis", Badge::new(Tone::Good, "Enabled")),
        row(HOSTILE, Badge::new(Tone::Quiet, "Disabled")),
    ];
    let secret = ApiKey::new("whsec_SAMPLESAMPLESAMPLESAMPLESAMPLESAMPLE");
    Webhooks {
        shell: shell("Webhooks", Section::Webhooks),
        rows: if rich { rows } else { vec![] },
        made: rich.then(|| {
            (
                "whk_0123456789abcdef".to_owned(),
                Code::secret("webhook-secret", "The secret of whk_0123456789abcdef", &secret),
            )
        }),
        url: if rich { HOSTILE.to_owned() } else { String::new() },
        events: events(),
        problems: if rich { Problems(vec![("url", "Expected a URL.".to_owned())]) } else { Problems::default() },
    }
}

fn one(rich: bool) -> Webhook {
    let row = |state, attempts, answer: Option<&str>, next| DeliveryRow {
        id: format!("evt_{attempts:0>16}"),
        event: "quota.threshold".to_owned(),
        created: ago(9_000),
        state,
        attempts,
        answer: answer.map(str::to_owned),
        last: answer.map(|_| ago(40)),
        next,
        body: r#"{"data":{"percent":80},"timestamp":"2026-01-15T12:00:00Z","type":"quota.threshold"}"#.to_owned(),
    };
    let soon = || Some(When::new(NOW + 540, NOW));
    let deliveries = vec![
        row(Badge::new(Tone::Quiet, "Pending"), 0, None, soon()),
        row(Badge::new(Tone::Good, "Delivered"), 1, Some("Answered with status 204"), None),
        row(Badge::new(Tone::Warn, "Failing"), 4, Some(HOSTILE), soon()),
        row(Badge::new(Tone::Bad, "Given up"), 8, Some("No answer within 10 s."), None),
    ];
    Webhook {
        shell: shell("Webhook", Section::Webhooks),
        id: "whk_0123456789abcdef".to_owned(),
        enabled: rich,
        state: if rich { Badge::new(Tone::Good, "Enabled") } else { Badge::new(Tone::Quiet, "Disabled") },
        created: ago(days(12)),
        created_by: HOSTILE.to_owned(),
        url: "https://hooks.northwind.example/portcullis".to_owned(),
        events: events(),
        deliveries: if rich { deliveries } else { vec![] },
        pager: Pager { shown: 4, first: None, next: rich.then(|| "/webhooks/whk_1?cursor=1.evt_2".to_owned()) },
        problems: Problems::default(),
    }
}

pub(super) fn pages() -> Vec<Page> {
    vec![
        page("webhooks", &list(true)),
        page("webhooks-empty", &list(false)),
        page("webhook", &one(true)),
        page("webhook-empty", &one(false)),
    ]
}
