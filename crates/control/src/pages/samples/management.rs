//! Overview, organisations, edges, log, settings.

use super::*;
use crate::pages::audit::{Audit, AuditFilter};
use crate::pages::edges::{EdgeKeyRow, EdgeRow, Edges, HeldKey};
use crate::pages::form::{Problems, scope_groups};
use crate::pages::organization::{Member, Organization, OrganizationRow, Organizations, PendingInvitation, RoleChoice};
use crate::pages::overview::{Attention, Counts, FleetEdge, FleetSummary, Overview, Requests};
use crate::pages::parts::{Badge, Bar, Code, Pager, Tone};
use crate::pages::settings::{SessionRow, Settings, TokenRow};
use portcullis_api::{ApiKey, KeyHolders};

fn bars() -> Vec<Bar> {
    let counts = [
        ("Invalid API key", 812),
        ("Insufficient scope", 240),
        ("IP address not allowed", 96),
        ("Expired API key", 31),
        ("Wrong environment", 4),
    ];
    Bar::all(counts.map(|(reason, count)| (reason.to_owned(), count)))
}

fn overview(shell: Shell, rich: bool) -> Overview {
    let wanting = |name: &str, environment: &str, tone, word: &str, advice: &str| Attention {
        id: "key_4fTq9ZxLw2Pm0aRb".to_owned(),
        name: name.to_owned(),
        environment: environment.to_owned(),
        badge: Badge::new(tone, word),
        advice: advice.to_owned(),
    };
    let attention = vec![
        wanting("search indexer, nightly", "production", Tone::Warn, "Overdue", "121 days old: rotate it"),
        wanting(HOSTILE, "production", Tone::Warn, "Expires soon", "in 4 days"),
        wanting("partner-sandbox", "sandbox", Tone::Quiet, "Idle", "unused for 47 days: revoke it"),
    ];
    let edge = |name: &str, lag| FleetEdge { edge: name.to_owned(), silent: lag > 9, lag, last_report: ago(2) };
    let fleet =
        FleetSummary { current: 1, edges: if rich { vec![edge("edge-eu-1", 0), edge(HOSTILE, 3)] } else { vec![] } };
    Overview {
        counts: if rich {
            Counts { active: 128, disabled: 3, expired: 9, revoked: 41, overdue: 12, idle: 7, to_look_after: 18 }
        } else {
            Counts::default()
        },
        requests: shell.viewer.can.edges_read.then_some(Requests { allowed: 1_240_512, denied: 1_183 }),
        attention: if rich { attention } else { vec![] },
        more_attention: if rich { 16 } else { 0 },
        denials: if rich { bars() } else { vec![] },
        observed: if rich { Bar::all([("Referrer not allowed".to_owned(), 40)]) } else { vec![] },
        since: shell.viewer.can.edges_read.then(|| ago(days(1))),
        fleet: shell.viewer.can.edges_read.then_some(fleet),
        entries: if rich { entries() } else { vec![] },
        first_key: Code::example(
            "first-key",
            "From the command line",
            "portcullis keys create ci --environment production --scope skills:read",
        ),
        shell,
    }
}

fn organization(shell: Shell, rich: bool) -> Organization {
    let member = |name: &str, email: &str, role: &str, is_viewer: bool| Member {
        id: format!("user_{}", email.len()),
        name: name.to_owned(),
        email: email.to_owned(),
        role: role.to_owned(),
        joined: ago(days(90)),
        last_seen: is_viewer.then(|| ago(30)),
        is_viewer,
        editable: !is_viewer && rich,
    };
    let invitation = |email: Option<&str>| PendingInvitation {
        id: "inv_1".to_owned(),
        email: email.map(str::to_owned),
        role: "viewer".to_owned(),
        invited_by: "Ada Lindqvist".to_owned(),
        expires: When::new(NOW + days(6), NOW),
    };
    let members = [
        member("Ada Lindqvist", "ada@example.com", "owner", true),
        member(HOSTILE, "grace.otieno@example.com", "admin", false),
    ];
    let link = ApiKey::new("https://portcullis.example.com/invitations/SAMPLESAMPLESAMPLESAMPLE");
    Organization {
        id: "org_0000000000000000".to_owned(),
        name: shell.viewer.organization.clone(),
        created: ago(days(400)),
        quota: if rich { super::plans::card(64) } else { super::plans::uncounted() },
        time_zone: "Europe/Berlin".to_owned(),
        members: members.into(),
        pager: Pager::default(),
        invitations: if rich { vec![invitation(Some("mika@example.com")), invitation(None)] } else { vec![] },
        link: rich.then(|| Code::secret("invitation-link", "Invitation link", &link)),
        roles: [
            ("viewer", "Sees keys and policy."),
            ("member", "Creates and changes keys."),
            ("admin", "Also people and tokens."),
            ("owner", "Everything."),
        ]
        .map(|(role, meaning)| RoleChoice { role, meaning })
        .into(),
        email: String::new(),
        problems: Problems::default(),
        shell,
    }
}

fn organizations(rich: bool) -> Organizations {
    let row = |id: &str, name: &str, state, suspended, default: bool| OrganizationRow {
        id: id.to_owned(),
        name: name.to_owned(),
        state,
        plan: default.then(|| "free".to_owned()),
        suspended,
        default,
        created: ago(days(200)),
    };
    let rows = vec![
        row("org_0000000000000000", "Northwind Platform", Badge::new(Tone::Good, "Active"), false, true),
        row("org_1111111111111111", HOSTILE, Badge::new(Tone::Bad, "Suspended"), true, false),
        row("org_2222222222222222", "Initech", Badge::new(Tone::Warn, "Quota exhausted"), false, false),
    ];
    let problems = if rich { Problems(vec![("name", "is taken".to_owned())]) } else { Problems::default() };
    let rows = if rich { rows } else { vec![] };
    let plans =
        vec![(String::new(), "None: nobody counts".to_owned(), false), ("team".to_owned(), HOSTILE.to_owned(), rich)];
    Organizations { shell: shell("Organisations", Section::Organizations), rows, name: String::new(), plans, problems }
}

fn edge_key(description: &str, unsealed: u64) -> EdgeKeyRow {
    EdgeKeyRow {
        id: "8520f0098930a754".to_owned(),
        public_key: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a".to_owned(),
        description: description.to_owned(),
        added: ago(days(12)),
        added_by: (unsealed > 0).then(|| "ada@example.com".to_owned()),
        unsealed,
        edges: KeyHolders { holding: unsealed, reporting: if description.is_empty() { 0 } else { 3 } },
    }
}

/// So many, of which secrets are sealed to the first.
fn held_keys(number: u64) -> Vec<HeldKey> {
    let key = |index| HeldKey { id: format!("8520f0098930a75{index}"), is_known: index == 0 };
    (0..number).map(key).collect()
}

fn edges(rich: bool) -> Edges {
    let edge = |name: &str, lag, state, errors| EdgeRow {
        edge: name.to_owned(),
        vms: 4,
        keys: Some(held_keys(lag)),
        version: 118 - lag,
        lag,
        state,
        bundle_age: "4 s".to_owned(),
        last_report: ago(2),
        requests_per_second: "120.5".to_owned(),
        denied: bars(),
        errors,
    };
    let edges = vec![
        edge("edge-eu-1", 0, Badge::new(Tone::Good, "Current"), vec![]),
        edge(HOSTILE, 3, Badge::new(Tone::Warn, "Behind"), strings(&["cannot fetch the bundle: connection refused"])),
    ];
    Edges {
        shell: shell("Edges", Section::Edges),
        version: 118,
        publish_error: rich.then(|| "cannot write the bundle: no space left on device".to_owned()),
        edges: if rich { edges } else { vec![] },
        connect: Code::example("connect", "Start a whole example", "cargo xtask up"),
        keys: if rich {
            vec![edge_key("Edges in Frankfurt", 0), edge_key(HOSTILE, 3), edge_key("", 1)]
        } else {
            vec![]
        },
        warnings: if rich {
            strings(&["No edge has the private half of Edges in Frankfurt.", HOSTILE])
        } else {
            vec![]
        },
        description: if rich { HOSTILE.to_owned() } else { String::new() },
        generate: Code::example("generate", "Make a pair where the edge runs", "portcullis edge-keys generate"),
        problems: Problems(if rich { vec![("public_key", "Expected a public key.".to_owned())] } else { vec![] }),
    }
}

fn audit(filter: AuditFilter, rich: bool) -> Audit {
    Audit {
        shell: shell("Audit log", Section::Audit),
        filter,
        actions: strings(&["key.created", "key.revoked", "policy.published"]),
        entries: if rich { entries() } else { vec![] },
        pager: Pager { shown: 5, first: Some("/audit".to_owned()), next: None },
        csv_href: "/audit/export?format=csv".to_owned(),
        jsonl_href: "/audit/export?format=jsonl".to_owned(),
        cli: Code::example("first-key", "Make something happen", "portcullis keys create ci --environment production"),
    }
}

fn settings(shell: Shell, rich: bool) -> Settings {
    let session = |current| SessionRow {
        id: "ses_1".to_owned(),
        agent: if current { "Chromium on Linux" } else { HOSTILE }.to_owned(),
        address: "203.0.113.7".to_owned(),
        created: ago(days(2)),
        last_seen: ago(10),
        current,
    };
    let token = |name: &str, kind: &str, used: Option<u64>| TokenRow {
        id: "tok_1".to_owned(),
        name: name.to_owned(),
        kind: kind.to_owned(),
        scopes: strings(&["keys:read", "keys:write", "audit:read"]),
        created: ago(days(30)),
        last_used: used.map(ago),
        expires: used.map(|_| When::new(NOW + days(60), NOW)),
    };
    let (secret, header) = (
        ApiKey::new("pct_SAMPLESAMPLESAMPLESAMPLE"),
        ApiKey::new("Authorization: Bearer pct_SAMPLESAMPLESAMPLESAMPLE"),
    );
    let new_token = (
        Code::secret("token-text", "Your new token", &secret),
        Code::with_secret("token-authorization", "Header", &header),
    );
    Settings {
        name: shell.viewer.name.clone(),
        sessions: if rich { vec![session(true), session(false)] } else { vec![session(true)] },
        tokens: if rich {
            vec![token("deploy", "service", Some(60)), token(HOSTILE, "personal", None)]
        } else {
            vec![]
        },
        new_token: rich.then_some(new_token),
        token_name: if rich { HOSTILE.to_owned() } else { String::new() },
        token_service: rich,
        token_expires_at: String::new(),
        may_service: rich,
        scopes: scope_groups(&strings(&["keys:read", "keys:write", "members:read", "audit:read"]), &[]),
        problems: if rich { Problems(vec![("current", "is wrong".to_owned())]) } else { Problems::default() },
        shell,
    }
}

pub(super) fn pages() -> Vec<Page> {
    let filter = AuditFilter { actor: HOSTILE.to_owned(), action: "key.revoked".to_owned(), ..AuditFilter::default() };
    vec![
        page("overview", &overview(shell("Overview", Section::Overview), true)),
        page("overview-empty", &overview(shell("Overview", Section::Overview), false)),
        page("overview-viewer", &overview(viewer_shell("Overview", Section::Overview), true)),
        page("organization", &organization(shell("Organisation", Section::Organization), true)),
        page("organization-viewer", &organization(viewer_shell("Organisation", Section::Organization), false)),
        page("organizations", &organizations(true)),
        page("organizations-empty", &organizations(false)),
        page("edges", &edges(true)),
        page("edges-empty", &edges(false)),
        page("audit", &audit(AuditFilter::default(), true)),
        page("audit-empty", &audit(AuditFilter::default(), false)),
        page("audit-no-match", &audit(filter, false)),
        page("settings", &settings(shell("Settings", Section::Settings), true)),
        page("settings-empty", &settings(viewer_shell("Settings", Section::Settings), false)),
    ]
}
