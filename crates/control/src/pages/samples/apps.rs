//! Apps, grants, and the page that asks.

use super::*;
use crate::pages::apps::{App, AppFields, AppRow, Apps, Consent, GrantRow, Grants, MadeApp};
use crate::pages::form::{Problems, ScopeGroup, scope_groups};
use crate::pages::parts::{Badge, Code, Pager, Tone};
use portcullis_api::ApiKey;

const ID: &str = "app_0123456789abcdef";

fn scopes() -> Vec<ScopeGroup> {
    scope_groups(&strings(&["skills:read", "skills:write", "models:read"]), &strings(&["skills:read"]))
}

fn fields(rich: bool) -> AppFields {
    AppFields {
        name: if rich { HOSTILE.to_owned() } else { String::new() },
        redirect_uris: if rich { format!("https://app.example.com/cb\n{HOSTILE}") } else { String::new() },
        public: rich,
        may_everyone: rich,
        everyone: rich,
        environments: vec![("production".to_owned(), true), ("staging".to_owned(), false)],
    }
}

fn problems(rich: bool) -> Problems {
    let wrong = |field, text: &str| (field, text.to_owned());
    let some = vec![
        wrong("name", "Expected 1 to 100 characters."),
        wrong("redirect_uris", "Entry 2: Expected a URI."),
        wrong("scopes", "The policy knows no such scope."),
    ];
    Problems(if rich { some } else { vec![] })
}

fn list(rich: bool) -> Apps {
    let row = |name: &str, kind, state, last_used| AppRow {
        id: ID.to_owned(),
        name: name.to_owned(),
        kind,
        state,
        created: ago(days(12)),
        last_used,
    };
    let rows = vec![
        row("Northwind Studio", "With a secret", Badge::new(Tone::Good, "For everyone"), Some(ago(40))),
        row(HOSTILE, "Public", Badge::new(Tone::Bad, "Revoked"), None),
    ];
    let secret = ApiKey::new("secret_SAMPLESAMPLESAMPLESAMPLESAMPLESAMPLESAMP");
    Apps {
        shell: shell("Apps", Section::Apps),
        rows: if rich { rows } else { vec![] },
        pager: Pager { shown: 2, first: None, next: rich.then(|| "/apps?cursor=1.app_2".to_owned()) },
        made: rich.then(|| MadeApp {
            id: ID.to_owned(),
            client_id: Code::example("client-id", "Its client_id", ID),
            secret: Some(Code::secret("client-secret", "Its client_secret", &secret)),
        }),
        fields: fields(rich),
        problems: problems(rich),
        scopes: if rich { scopes() } else { vec![] },
    }
}

fn one(rich: bool) -> App {
    let secret = ApiKey::new("secret_SAMPLESAMPLESAMPLESAMPLESAMPLESAMPLESAMP");
    App {
        shell: shell("Northwind Studio", Section::Apps),
        id: ID.to_owned(),
        title: if rich { HOSTILE.to_owned() } else { "Northwind Studio".to_owned() },
        state: Badge::new(Tone::Good, "Active"),
        is_public: false,
        is_revoked: !rich,
        created: ago(days(12)),
        created_by: HOSTILE.to_owned(),
        last_used: rich.then(|| ago(40)),
        client_id: Code::example("client-id", "client_id", ID),
        secret: rich.then(|| Code::secret("client-secret", "Its new client_secret", &secret)),
        authorize: Code::example("authorize", "Authorization endpoint", "https://control.example.com/oauth/authorize"),
        token: Code::example("token", "Token endpoint", "https://control.example.com/oauth/token"),
        fields: fields(rich),
        problems: problems(rich),
        scopes: scopes(),
    }
}

fn grants(rich: bool) -> Grants {
    let row = |app: &str, scopes: &[&str], state| GrantRow {
        id: "key_4fTq9ZxLw2Pm0aRb".to_owned(),
        app: app.to_owned(),
        email: "ada@example.com".to_owned(),
        environment: "production".to_owned(),
        scopes: strings(scopes),
        state,
        created: ago(days(3)),
        last_used: (!scopes.is_empty()).then(|| ago(40)),
    };
    let rows = vec![
        row("Northwind Studio", &["skills:read", "models:read"], Badge::new(Tone::Good, "Active")),
        row(HOSTILE, &[], Badge::new(Tone::Quiet, "Expired")),
    ];
    Grants {
        shell: if rich { shell("Grants", Section::Grants) } else { viewer_shell("Grants", Section::Grants) },
        all: rich,
        may_all: rich,
        rows: if rich { rows } else { vec![] },
        pager: Pager { shown: 2, first: None, next: None },
    }
}

fn consent(rich: bool, refused: bool) -> Consent {
    let scope = |scope: &str, checked| (scope.to_owned(), crate::apps::in_words(scope, false), checked);
    let place = |name: &str, chosen| (format!("org_{name:0>16.16}"), name.to_owned(), chosen);
    let places = vec![place("Northwind Platform", true), place(HOSTILE, false)];
    Consent {
        shell: gate("Allow Northwind Studio", None),
        app: if rich { HOSTILE.to_owned() } else { "Northwind Studio".to_owned() },
        owner: if rich { HOSTILE.to_owned() } else { "Northwind Platform".to_owned() },
        host: "app.northwind.example".to_owned(),
        email: "ada@example.com".to_owned(),
        elsewise: "/sign-in?next=/oauth/authorize%3Fclient_id%3Dx&again=true".to_owned(),
        asked: pairs(&[("client_id", ID), ("state", HOSTILE)]),
        places: if rich { places } else { vec![place("Northwind Platform", true)] },
        environments: if rich {
            vec![("production".to_owned(), true), ("staging".to_owned(), false)]
        } else {
            vec![("production".to_owned(), false)]
        },
        scopes: vec![scope("skills:write", true), scope("models:read", true), scope("billing-reports:*", !rich)],
        problems: Problems(if rich { vec![("allowed", "Tick what you allow.".to_owned())] } else { vec![] }),
        refusal: refused.then(|| "You may only look: ask an admin of your organisation for another role.".to_owned()),
    }
}

pub(super) fn pages() -> Vec<Page> {
    vec![
        page("apps", &list(true)),
        page("apps-empty", &list(false)),
        page("app", &one(true)),
        page("app-revoked", &one(false)),
        page("grants", &grants(true)),
        page("grants-empty", &grants(false)),
        page("consent", &consent(true, false)),
        page("consent-plain", &consent(false, false)),
        page("consent-refused", &consent(true, true)),
    ]
}
