//! Pages about keys.

use super::explain::denials;
use super::*;
use crate::pages::explain::ExplainFields;
use crate::pages::form::{Problems, scope_groups};
use crate::pages::key::{KeyPage, Overlap, RotatePage};
use crate::pages::key_forms::{EditDetails, EditRestrictions, EditScopes, Import, NewKey};
use crate::pages::keys::{KeyCreated, KeyFilter, KeyRow, Keys, Replaced};
use crate::pages::limits::EditLimits;
use crate::pages::parts::{Code, Pager};
use crate::pages::restrictions::{self, RestrictionFields};
use crate::pages::trial::{Observation, Observed, Rotation, Trial, Use};
use portcullis_api::restrictions::{EndpointSpec, IpSpec, ModeSpec, ReferrerSpec};
use portcullis_api::{ApiKey, Key, KeyKind, KeyStatus, RestrictionsSpec, Secret};

const SCOPES: [&str; 10] = [
    "skills:read",
    "skills:write",
    "agents:read",
    "agents:write",
    "plugins:read",
    "plugins:write",
    "content:read",
    "content:write",
    "mcp:read",
    "mcp:write",
];

fn record(name: &str, status: KeyStatus, age_days: u64) -> Key {
    let at = |age: u64| crate::clock::to_rfc3339(NOW - days(age));
    Key {
        id: "key_4fTq9ZxLw2Pm0aRb".to_owned(),
        kind: if status == KeyStatus::Active && age_days == 2 { KeyKind::Credential } else { KeyKind::ApiKey },
        name: name.to_owned(),
        display: "sp_live_a1b2c3...".to_owned(),
        prefix: "sp_live_".to_owned(),
        environment: if age_days.is_multiple_of(2) { "production" } else { "sandbox" }.to_owned(),
        organization: "org_0000000000000000".to_owned(),
        scopes: strings(&["skills:read", "agents:write"]),
        restrictions: Some(spec()),
        status,
        created_by: (age_days > 3).then(|| "grace.otieno@example.com".to_owned()),
        created_at: at(age_days),
        expires_at: (status == KeyStatus::Active && age_days < 10).then(|| crate::clock::to_rfc3339(NOW + days(9))),
        revoked_at: (status == KeyStatus::Revoked).then(|| at(1)),
        last_used: (age_days > 3).then(|| crate::clock::to_rfc3339(NOW - days(age_days) / 3)),
        successor: None,
        age_days,
        overdue: status == KeyStatus::Active && age_days > 90,
        idle: false,
        metadata: std::collections::BTreeMap::new(),
        trial: None,
        quota: None,
        rate: None,
        skill: None,
    }
}

fn spec() -> RestrictionsSpec {
    RestrictionsSpec {
        ip: Some(IpSpec {
            mode: ModeSpec::Enforce,
            allow: Some(strings(&["203.0.113.0/24", "2001:db8::/48"])),
            deny: strings(&["203.0.113.66"]),
        }),
        referrer: Some(ReferrerSpec {
            mode: ModeSpec::Observe,
            allow: strings(&["https://*.example.com/*"]),
            allow_missing: true,
        }),
        endpoint: Some(EndpointSpec {
            mode: ModeSpec::Enforce,
            allow: strings(&["GET /api/v1/skills/**", "POST /api/v1/agents/{id}/runs"]),
        }),
    }
}

fn row(name: &str, status: KeyStatus, age_days: u64) -> KeyRow {
    KeyRow::new(&record(name, status, age_days), age_days == 44, NOW)
}

fn rows() -> Vec<KeyRow> {
    vec![
        row("checkout-api", KeyStatus::Active, 2),
        row("search indexer, nightly", KeyStatus::Active, 121),
        row("mobile backend", KeyStatus::Active, 44),
        row(HOSTILE, KeyStatus::Disabled, 12),
        row("contractor-demo", KeyStatus::Expired, 61),
        row("legacy-sync", KeyStatus::Revoked, 410),
    ]
}

fn observations() -> Vec<Observation> {
    let seen = |address: &str, referrer: &str, method: &str, path: &str, count, seconds| Observation {
        reason: "ip_not_allowed".to_owned(),
        address: address.to_owned(),
        referrer: referrer.to_owned(),
        method: method.to_owned(),
        path: path.to_owned(),
        count,
        last_seen: ago(seconds),
    };
    vec![
        seen("198.51.100.23", "https://admin.example.org/", "GET", "/api/v1/skills", 1204, 30),
        seen("198.51.100.24", "", "GET", "/api/v1/skills", 310, 300),
        seen("192.0.2.9", HOSTILE, "POST", "/api/v1/agents", 12, 86400),
    ]
}

fn key_page(shell: Shell, key: KeyRow, rich: bool) -> KeyPage {
    let trial = Trial {
        since: ago(7200),
        scopes: None,
        restrictions: Some(restrictions::list(Some(&spec()))),
        observations: observations(),
    };
    KeyPage {
        shell,
        revoked: key.is_revoked().then(|| ago(days(1))),
        key,
        organization: "Northwind Platform".to_owned(),
        skill: rich.then(|| ("skl_0123456789abcdef".to_owned(), Some(HOSTILE.to_owned()))),
        scopes: if rich { strings(&["skills:read", "agents:write", HOSTILE]) } else { vec![] },
        restrictions: if rich { restrictions::list(Some(&spec())) } else { vec![] },
        metadata: if rich { pairs(&[("team", "payments"), (HOSTILE, HOSTILE)]) } else { vec![] },
        trial: rich.then_some(trial),
        observed: rich.then(|| Observed { observations: observations() }),
        is_rotated: false,
        rotations: if rich { rotations() } else { vec![] },
        quota: rich.then(|| super::plans::card(64)),
        rate: rich.then(|| "100 in 60 s, 20 at once".to_owned()),
        chart: super::usage::chart("key-chart", rich),
        explain: ExplainFields::default(),
        denials: if rich { denials() } else { vec![] },
        entries: rich.then(entries),
    }
}

/// One in the middle of two rotations.
fn rotations() -> Vec<Rotation> {
    let rotation = |is_old: bool, name: &str, works_until, used, uses| Rotation {
        is_old,
        other_id: "key_0000000000000000".to_owned(),
        other_name: name.to_owned(),
        works_until,
        used,
        uses,
    };
    let used = Use { requests: 1514, addresses: 2, last: ago(30) };
    let uses = observations().into_iter().take(2).collect();
    vec![
        rotation(false, "checkout-api (old)", Some(When::new(NOW + days(6), NOW)), Some(used), uses),
        rotation(true, "checkout-api (new)", None, None, vec![]),
    ]
}

fn first_key() -> Code {
    let command = "portcullis keys create ci --environment production --scope skills:read";
    Code::example("first-key", "From the command line", command)
}

fn listing(shell: Shell, filter: KeyFilter, rows: Vec<KeyRow>) -> Keys {
    let next = (!rows.is_empty()).then(|| "/keys?cursor=abc&status=active".to_owned());
    let pager = Pager { shown: rows.len(), first: None, next };
    Keys { shell, filter, environments: strings(&["production", "sandbox"]), rows, pager, first_key: first_key() }
}

fn created(replaces: Option<Replaced>, published: bool) -> KeyCreated {
    let gateway = published.then(|| "https://api.example.com".parse().unwrap());
    let (key, header) =
        ("sp_live_SAMPLESAMPLESAMPLESAMPLESAMPLE00", "Authorization: Bearer sp_live_SAMPLESAMPLESAMPLESAMPLESAMPLE00");
    let texts = KeyCreated::texts(&ApiKey::new(key), &ApiKey::new(header), gateway.as_ref(), "/api/v1/skills");
    KeyCreated {
        shell: shell("Key created", Section::Keys),
        id: "key_4fTq9ZxLw2Pm0aRb".to_owned(),
        name: "checkout-api".to_owned(),
        environment: "production".to_owned(),
        what: "key",
        texts,
        published,
        receipt: published.then(|| receipt(2)),
        replaces,
    }
}

fn credential() -> KeyCreated {
    let (secret, env) = ("secret_SAMPLESAMPLESAMPLESAMPLESAMPLESAMPLE0000", "SCOPE_API_SECRET=secret_SAMPLE");
    let issuer = "https://control.example.com".parse().unwrap();
    let texts = KeyCreated::credential("key_4fTq9ZxLw2Pm0aRb", &Secret::new(secret), &Secret::new(env), &issuer);
    KeyCreated { what: "secret", texts, ..created(None, true) }
}

pub(super) fn pages() -> Vec<Page> {
    let (known, held) = (strings(&SCOPES), strings(&["skills:read", "old:scope"]));
    let wrong = || Problems(vec![("name", HOSTILE.to_owned()), ("ip_allow", "`10.0.0.0/33` is no range".to_owned())]);
    let new = |problems: Problems, fields, name: &str| NewKey {
        shell: shell("Create a key", Section::Keys),
        kinds: vec![("api_key", "API key", true), ("credential", "Credential", false)],
        name: name.to_owned(),
        environments: vec![("production".to_owned(), true), ("sandbox".to_owned(), false)],
        scopes: scope_groups(&known, &[]),
        expires_at: String::new(),
        fields,
        metadata: name.to_owned(),
        skills: super::skills::choices(),
        idempotency_key: "idem-1".to_owned(),
        problems,
    };
    let active = || row("checkout-api", KeyStatus::Active, 121);
    let filter = KeyFilter {
        q: HOSTILE.to_owned(),
        status: Some(KeyStatus::Active),
        environment: "sandbox".to_owned(),
        overdue: true,
        idle: true,
    };
    let import = |text: &str, problems| Import {
        shell: shell("Import", Section::Keys),
        text: text.to_owned(),
        problems,
        example: Code::example(
            "import-example",
            "Example",
            "name,sha256,prefix,environment,scopes\nci,9f86d081884c7d65…,sp_live_,production,skills:read",
        ),
        digest: Code::example(
            "import-digest",
            "The digest of a key, without writing it down",
            "read -rs KEY && printf %s \"$KEY\" | sha256sum",
        ),
    };
    let replaced =
        |works_until| Some(Replaced { id: "key_0000000000000000".to_owned(), name: HOSTILE.to_owned(), works_until });
    vec![
        page(
            "keys",
            &listing(noticed(shell("Keys", Section::Keys), "legacy-sync is revoked", 2), KeyFilter::default(), rows()),
        ),
        page("keys-filtered", &listing(viewer_shell("Keys", Section::Keys), filter.clone(), vec![])),
        page("keys-empty", &listing(shell("Keys", Section::Keys), KeyFilter::default(), vec![])),
        page("key-created", &created(None, true)),
        page("credential-created", &credential()),
        page("key-rotated", &created(replaced(Some(When::new(NOW + days(1), NOW))), true)),
        page("key-rotated-at-once", &created(replaced(None), false)),
        page(
            "key",
            &key_page(noticed(shell("checkout-api", Section::Keys), "The change is on trial", 1), active(), true),
        ),
        page("key-plain", &key_page(shell("Key", Section::Keys), row("mobile backend", KeyStatus::Active, 1), false)),
        page("key-disabled", &key_page(shell("Key", Section::Keys), row(HOSTILE, KeyStatus::Disabled, 12), true)),
        page(
            "key-revoked",
            &key_page(viewer_shell("Key", Section::Keys), row("legacy-sync", KeyStatus::Revoked, 410), false),
        ),
        page("key-new", &new(Problems::default(), RestrictionFields::default(), "")),
        page("key-new-problem", &new(wrong(), RestrictionFields::from(&spec()), HOSTILE)),
        page(
            "key-details",
            &EditDetails {
                shell: shell("Edit", Section::Keys),
                key: active(),
                name: HOSTILE.to_owned(),
                expires_at: "2026-03-01T00:00".to_owned(),
                metadata: "team=payments".to_owned(),
                skills: super::skills::choices(),
                etag: "\"7\"".to_owned(),
                problems: wrong(),
            },
        ),
        page(
            "key-limits",
            &EditLimits {
                shell: shell("Limits", Section::Keys),
                key: active(),
                limits: super::plans::limits(),
                etag: "\"7\"".to_owned(),
                problems: Problems(vec![("rate_requests", "Fill in all three, or none.".to_owned())]),
            },
        ),
        page(
            "key-scopes",
            &EditScopes {
                shell: shell("Scopes", Section::Keys),
                key: active(),
                scopes: scope_groups(&known, &held),
                try_first: true,
                etag: "\"7\"".to_owned(),
                problems: Problems(vec![("scopes", "no such scope `old:scope`".to_owned())]),
            },
        ),
        page(
            "key-restrict",
            &EditRestrictions {
                shell: shell("Restrict", Section::Keys),
                key: active(),
                fields: RestrictionFields::from(&spec()),
                try_first: false,
                etag: "\"7\"".to_owned(),
                problems: wrong(),
            },
        ),
        page(
            "key-rotate",
            &RotatePage {
                shell: shell("Rotate", Section::Keys),
                key: active(),
                problems: Problems::default(),
                overlap: Overlap::Day,
                hours: String::new(),
            },
        ),
        page("import", &import("", vec![])),
        page("import-problem", &import(HOSTILE, strings(&["line 3: `abc` is no SHA-256: 64 hex digits", HOSTILE]))),
    ]
}
