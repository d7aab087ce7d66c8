//! Route × caller → status, for every route there is, as data.
//!
//! A caller asks for the rows of an organisation: most for their own, the stranger for somebody else's. Rows that are made
//! or removed are fresh for each request. A route without a row here fails the test, and so does a row without a route.

use std::collections::BTreeSet;

use portcullis_control::routes;
use reqwest::Method;
use serde_json::json;

use super::page_table::PAGES;
use super::people::Person;
use super::places::{denial, filled, secret, skill, webhook};
use crate::stack::Stack;

/// Who asks, in the order of the columns below.
const CALLERS: [&str; 13] = [
    "root",
    "owner",
    "admin",
    "member",
    "viewer", // of the default organisation
    "other owner",
    "other admin",
    "other member",
    "other viewer", // of another one
    "stranger",     // the owner of a third one, asking for the second one's rows
    "no scopes",    // a service of the default organisation without scopes
    "nobody",
    "edge",
];

pub(crate) struct Row {
    pub(crate) route: &'static str,
    /// What is sent; `{…}` as in paths.
    pub(crate) body: &'static str,
    /// One status for each caller.
    pub(crate) expected: &'static str,
}

pub(crate) const fn row(route: &'static str, body: &'static str, expected: &'static str) -> Row {
    Row { route, body, expected }
}

#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                                                             root  default: o  a   m   v   other: o  a   m   v   str no  nob edge
    row("GET /healthz", "",                                         "200  200 200 200 200  200 200 200 200  200  200  200  200"),
    row("GET /readyz", "",                                          "200  200 200 200 200  200 200 200 200  200  200  200  200"),
    row("GET /v1/openapi.json", "",                                 "200  200 200 200 200  200 200 200 200  200  200  200  200"),
    row("GET /v1/me", "",                                           "200  200 200 200 200  200 200 200 200  200  200  401  401"),
    row("GET /v1/status", "",                                       "200  200 200 200 200  200 200 200 200  200  200  401  401"),
    row("GET /v1/edges", "",                                        "200  200 200 200 200  403 403 403 403  403  403  401  401"),

    row("GET /v1/keys", "",                                         "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("GET /v1/keys?organization={org}", "",                      "200  200 200 200 200  200 200 200 200  422  403  401  401"),
    row("POST /v1/keys", r#"{"name":"x","environment":"live"}"#,    "201  201 201 201 403  201 201 201 403  201  403  401  401"),
    row("POST /v1/keys", r#"{"name":"x","environment":"live","organization":"{org}"}"#,
                                                                    "201  201 201 201 403  201 201 201 403  422  403  401  401"),
    row("POST /v1/keys:batch", r#"{"keys":[{"name":"x","environment":"live","organization":"{org}"}]}"#,
                                                                    "201  201 201 201 403  201 201 201 403  422  403  401  401"),
    row("GET /v1/keys/{key}", "",                                   "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("PATCH /v1/keys/{key}", r#"{"name":"y"}"#,                  "200  200 200 200 403  200 200 200 403  404  403  401  401"),
    row("DELETE /v1/keys/{key}", "",                                "200  200 200 200 403  200 200 200 403  404  403  401  401"),
    row("POST /v1/keys/{key}/rotate", "{}",                         "201  201 201 201 403  201 201 201 403  404  403  401  401"),
    row("POST /v1/keys:find", r#"{"key":"sk_live_000000000000000000000000"}"#,
                                                                    "404  404 404 404 404  404 404 404 404  404  403  401  401"),
    row("POST /v1/keys:import", r#"{"keys":[{"name":"x","prefix":"sk_live_","sha256":"{sha256}","organization":"{org}"}]}"#,
                                                                    "201  201 201 201 403  201 201 201 403  422  403  401  401"),
    row("PUT /v1/keys/{key}/trial", r#"{"scopes":[]}"#,             "200  200 200 200 403  200 200 200 403  404  403  401  401"),
    row("DELETE /v1/keys/{tried}/trial", "",                        "200  200 200 200 403  200 200 200 403  404  403  401  401"),
    row("POST /v1/keys/{tried}/trial/enforce", "",                  "200  200 200 200 403  200 200 200 403  404  403  401  401"),
    row("GET /v1/keys/{key}/observations", "",                      "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("POST /v1/explain", r#"{"key":"{key}","method":"GET","path":"/v1/x"}"#,
                                                                    "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("GET /v1/denials", "",                                      "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("GET /v1/denials/{denial}", "",                             "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("GET /v1/receipts/{version}", "",                           "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("GET /v1/traffic", "",                                      "200  200 200 200 200  403 403 403 403  403  403  401  401"),
    row("GET /v1/usage", "",                                        "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("GET /v1/usage?organization={org}&by=day,key&key={key}", "","200  200 200 200 200  200 200 200 200  422  403  401  401"),
    row("GET /v1/usage/export", "",                                 "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("GET /v1/usage/export?organization={org}", "",              "200  200 200 200 200  200 200 200 200  422  403  401  401"),
    row("GET /v1/api-keys", "",                                     "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("DELETE /v1/api-keys/{key}", "",                            "200  200 200 200 403  200 200 200 403  404  403  401  401"),

    row("GET /v1/organizations", "",                                "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("POST /v1/organizations", r#"{"name":"x"}"#,                "201  201 201 403 403  403 403 403 403  403  403  401  401"),
    row("GET /v1/organizations/{org}", "",                          "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("PATCH /v1/organizations/{org}", r#"{"name":"y"}"#,         "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("PATCH /v1/organizations/{org}", r#"{"state":"active"}"#,   "200  200 200 403 403  403 403 403 403  404  403  401  401"),
    row("PATCH /v1/organizations/{org}", r#"{"time_zone":"Europe/Berlin"}"#,
                                                                    "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("PATCH /v1/organizations/{org}", r#"{"plan":"free"}"#,      "200  200 200 403 403  403 403 403 403  404  403  401  401"),
    row("POST /v1/organizations/{org}/top-ups", r#"{"tokens":1}"#,  "201  201 201 403 403  403 403 403 403  404  403  401  401"),
    row("GET /v1/organizations/{org}/top-ups", "",                  "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("GET /v1/quota", "",                                        "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("GET /v1/quota?organization={org}", "",                     "200  200 200 200 200  200 200 200 200  422  403  401  401"),
    row("GET /v1/quota?key={key}", "",                              "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("GET /v1/issuers", "",                                      "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("GET /v1/issuers?organization={org}", "",                   "200  200 200 200 200  200 200 200 200  422  403  401  401"),
    row("POST /v1/issuers", r#"{"name":"x","issuer":"http://127.0.0.1:9/x","environment":"live"}"#,
                                                                    "422  422 422 403 403  422 422 403 403  422  403  401  401"),
    row("GET /v1/issuers/{issuer}", "",                             "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("PATCH /v1/issuers/{issuer}", r#"{"scope_claim":"scp"}"#,   "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("POST /v1/issuers/{issuer}/refresh", "",                    "200  200 200 200 403  200 200 200 403  404  403  401  401"),
    row("DELETE /v1/issuers/{issuer}", "",                          "200  200 200 200 403  200 200 200 403  404  403  401  401"),
    row("GET /v1/signing-keys", "",                                 "200  200 200 200 200  403 403 403 403  403  403  401  401"),
    row("POST /v1/signing-keys:rotate", r#"{"now":true}"#,          "200  200 200 403 403  403 403 403 403  403  403  401  401"),
    row("DELETE /v1/signing-keys/{sha256}", "",                      "404  404 404 403 403  403 403 403 403  403  403  401  401"),
    row("POST /oauth/token", "",                                    "400  400 400 400 400  400 400 400 400  400  400  400  400"),
    row("POST /oauth/revoke", "",                                   "400  400 400 400 400  400 400 400 400  400  400  400  400"),
    row("POST /oauth/introspect", "",                               "400  400 400 400 400  400 400 400 400  400  400  400  401"),
    row("GET /.well-known/jwks.json", "",                           "200  200 200 200 200  200 200 200 200  200  200  200  200"),
    row("GET /.well-known/oauth-authorization-server", "",          "200  200 200 200 200  200 200 200 200  200  200  200  200"),

    row("GET /v1/plans", "",                                        "200  200 200 200 200  403 403 403 403  403  403  401  401"),
    row("POST /v1/plans", r#"{"name":"{sha256}"}"#,                 "201  201 201 403 403  403 403 403 403  403  403  401  401"),
    row("GET /v1/plans/{plan}", "",                                 "200  200 200 200 200  403 403 403 403  403  403  401  401"),
    row("PATCH /v1/plans/{plan}", r#"{"limit":7}"#,                 "200  200 200 403 403  403 403 403 403  403  403  401  401"),
    row("DELETE /v1/plans/{plan}", "",                              "200  200 200 403 403  403 403 403 403  403  403  401  401"),

    row("GET /v1/organizations/{org}/members", "",                  "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("PATCH /v1/organizations/{org}/members/{viewer}", r#"{"role":"member"}"#,
                                                                    "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("PATCH /v1/organizations/{org}/members/{viewer}", r#"{"role":"owner"}"#,
                                                                    "200  200 403 403 403  200 403 403 403  404  403  401  401"),
    row("PATCH /v1/organizations/{org}/members/{owner}", r#"{"role":"viewer"}"#,
                                                                    "200  200 403 403 403  200 403 403 403  404  403  401  401"),
    row("DELETE /v1/organizations/{org}/members/{viewer}", "",      "204  204 204 403 403  204 204 403 403  404  403  401  401"),
    row("DELETE /v1/organizations/{org}/members/{owner}", "",       "204  204 403 403 403  204 403 403 403  404  403  401  401"),
    row("GET /v1/organizations/{org}/invitations", "",              "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("POST /v1/organizations/{org}/invitations", r#"{"role":"admin","email":"new@example.com"}"#,
                                                                    "201  201 201 403 403  201 201 403 403  404  403  401  401"),
    row("POST /v1/organizations/{org}/invitations", r#"{"role":"owner","email":"new@example.com"}"#,
                                                                    "201  201 403 403 403  201 403 403 403  404  403  401  401"),
    row("DELETE /v1/organizations/{org}/invitations/{invitation}", "",
                                                                    "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("POST /v1/invitations:accept", r#"{"token":"pci_x","password":"x"}"#,
                                                                    "404  404 404 404 404  404 404 404 404  404  404  404  404"),

    row("GET /v1/tokens", "",                                       "200  200 200 200 403  200 200 200 403  200  403  401  401"),
    row("GET /v1/tokens?organization={org}", "",                    "200  200 200 200 403  200 200 200 403  422  403  401  401"),
    row("POST /v1/tokens", r#"{"name":"x","kind":"personal","scopes":["keys:read"]}"#,
                                                                    "422  201 201 201 403  201 201 201 403  201  403  401  401"),
    row("POST /v1/tokens", r#"{"name":"x","kind":"service","scopes":["keys:read"]}"#,
                                                                    "201  201 201 403 403  201 201 403 403  201  403  401  401"),
    row("POST /v1/tokens", r#"{"name":"x","kind":"service","organization":"{org}"}"#,
                                                                    "201  201 201 403 403  201 201 403 403  422  403  401  401"),
    row("POST /v1/tokens", r#"{"name":"x","kind":"personal","scopes":["policy:write"]}"#,
                                                                    "422  201 201 403 403  403 403 403 403  403  403  401  401"),
    row("DELETE /v1/tokens/{token}", "",                            "200  200 200 404 403  200 200 404 403  404  403  401  401"),

    row("GET /v1/webhooks", "",                                     "200  200 200 403 403  200 200 403 403  200  403  401  401"),
    row("GET /v1/webhooks?organization={org}", "",                  "200  200 200 403 403  200 200 403 403  422  403  401  401"),
    row("POST /v1/webhooks", r#"{"url":"http://127.0.0.1:9/x"}"#,    "201  201 201 403 403  201 201 403 403  201  403  401  401"),
    row("POST /v1/webhooks", r#"{"url":"http://127.0.0.1:9/x","organization":"{org}"}"#,
                                                                    "201  201 201 403 403  201 201 403 403  422  403  401  401"),
    row("POST /v1/webhooks", r#"{"url":"http://127.0.0.1:9/x","events":["quota.threshold.all"]}"#,
                                                                    "201  201 201 403 403  422 422 403 403  422  403  401  401"),
    row("GET /v1/webhooks/{webhook}", "",                           "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("PATCH /v1/webhooks/{webhook}", r#"{"enabled":false}"#,     "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("DELETE /v1/webhooks/{webhook}", "",                        "204  204 204 403 403  204 204 403 403  404  403  401  401"),
    row("POST /v1/webhooks/{webhook}/test", "",                     "202  202 202 403 403  202 202 403 403  404  403  401  401"),
    row("GET /v1/webhooks/{webhook}/deliveries", "",                "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("POST /v1/webhooks/{webhook}/deliveries/{delivery}/retry", "",
                                                                    "202  202 202 403 403  202 202 403 403  404  403  401  401"),

    row("GET /v1/apps", "",                                         "200  200 200 403 403  200 200 403 403  200  403  401  401"),
    row("GET /v1/apps?organization={org}", "",                      "200  200 200 403 403  200 200 403 403  422  403  401  401"),
    row("POST /v1/apps", r#"{"name":"x","redirect_uris":["https://a.example/cb"]}"#,
                                                                    "201  201 201 403 403  201 201 403 403  201  403  401  401"),
    row("POST /v1/apps", r#"{"name":"x","redirect_uris":["https://a.example/cb"],"organization":"{org}"}"#,
                                                                    "201  201 201 403 403  201 201 403 403  422  403  401  401"),
    row("POST /v1/apps", r#"{"name":"x","redirect_uris":["https://a.example/cb"],"everyone":true}"#,
                                                                    "201  201 201 403 403  422 422 403 403  422  403  401  401"),
    row("GET /v1/apps/{app}", "",                                   "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("PATCH /v1/apps/{app}", r#"{"name":"y"}"#,                  "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("PATCH /v1/apps/{app}", r#"{"everyone":true}"#,             "200  200 200 403 403  422 422 403 403  404  403  401  401"),
    row("POST /v1/apps/{app}/rotate", "",                           "201  201 201 403 403  201 201 403 403  404  403  401  401"),
    row("DELETE /v1/apps/{app}", "",                                "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("GET /v1/grants", "",                                       "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("GET /v1/grants?organization={org}", "",                    "200  200 200 200 200  200 200 200 200  422  403  401  401"),
    row("GET /v1/grants/{grant}", "",                               "200  200 200 404 404  200 200 404 404  404  403  401  401"),
    row("DELETE /v1/grants/{grant}", "",                            "200  200 200 404 403  200 200 404 403  404  403  401  401"),

    row("GET /v1/edge-keys", "",                                    "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("POST /v1/edge-keys", r#"{"public_key":"{public_key}"}"#,   "201  201 201 403 403  403 403 403 403  403  403  401  401"),
    row("DELETE /v1/edge-keys/{edge_key}", "",                      "200  200 200 403 403  403 403 403 403  403  403  401  401"),
    row("GET /v1/secrets", "",                                      "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("GET /v1/secrets?organization={org}", "",                   "200  200 200 200 200  200 200 200 200  422  403  401  401"),
    row("POST /v1/secrets", r#"{"name":"s{fresh}","value":"correct horse"}"#,
                                                                    "422  201 201 201 403  201 201 201 403  201  403  401  401"),
    row("POST /v1/secrets", r#"{"name":"s{fresh}","value":"correct horse","team":true,"organization":"{org}"}"#,
                                                                    "201  201 201 403 403  201 201 403 403  422  403  401  401"),
    row("GET /v1/secrets/{secret}", "",                             "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("PATCH /v1/secrets/{secret}", r#"{"description":"y"}"#,     "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("PUT /v1/secrets/{secret}/value", r#"{"value":"battery staple"}"#,
                                                                    "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("DELETE /v1/secrets/{secret}", "",                          "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("GET /v1/skills", "",                                       "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("GET /v1/skills?organization={org}", "",                    "200  200 200 200 200  200 200 200 200  422  403  401  401"),
    row("POST /v1/skills", r#"{"name":"s{fresh}"}"#,                "422  201 201 201 403  201 201 201 403  201  403  401  401"),
    row("POST /v1/skills", r#"{"name":"s{fresh}","team":true,"organization":"{org}"}"#,
                                                                    "201  201 201 403 403  201 201 403 403  422  403  401  401"),
    row("GET /v1/skills/{skill}", "",                               "200  200 200 200 200  200 200 200 200  404  403  401  401"),
    row("PATCH /v1/skills/{skill}", r#"{"description":"y"}"#,       "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("DELETE /v1/skills/{skill}", "",                            "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("POST /v1/skills/{skill}/publish", "",                      "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("POST /v1/skills/{published}/unpublish", "",                "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("POST /v1/skills/{installed}/upgrade", "",                  "200  200 200 403 403  200 200 403 403  404  403  401  401"),
    row("POST /v1/skills/{published}/install", r#"{"name":"s{fresh}"}"#,
                                                                    "422  201 201 201 403  201 201 201 403  201  403  401  401"),
    row("GET /v1/published-skills", "",                             "200  200 200 200 200  200 200 200 200  200  403  401  401"),

    row("GET /v1/policy", "",                                       "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("POST /v1/policy", r#"{"toml":""}"#,                        "422  422 422 403 403  403 403 403 403  403  403  401  401"),
    row("POST /v1/policy:check", r#"{"toml":""}"#,                  "200  200 200 200 200  200 200 200 200  200  403  401  401"),
    row("GET /v1/policy/versions", "",                              "200  200 200 200 200  403 403 403 403  403  403  401  401"),
    row("GET /v1/policy/versions/{policy}", "",                     "200  200 200 200 200  403 403 403 403  403  403  401  401"),
    row("GET /v1/policy/versions/{policy}/diff", "",                "200  200 200 200 200  403 403 403 403  403  403  401  401"),
    row("POST /v1/policy/versions/{policy}/restore", "",            "201  201 201 403 403  403 403 403 403  403  403  401  401"),
    row("GET /v1/audit", "",                                        "200  200 200 403 403  200 200 403 403  200  403  401  401"),
    row("GET /v1/audit?organization={org}", "",                     "200  200 200 403 403  200 200 403 403  422  403  401  401"),
    row("GET /v1/audit/export", "",                                 "200  200 200 403 403  200 200 403 403  200  403  401  401"),
    row("GET /v1/audit/export?format=jsonl&organization={org}", "", "200  200 200 403 403  200 200 403 403  422  403  401  401"),
    row("GET /metrics", "",                                         "200  200 200 403 403  403 403 403 403  403  403  401  401"),

    row("GET /edge/v1/manifest", "",                                "401  401 401 401 401  401 401 401 401  401  401  401  200"),
    row("GET /edge/v1/blobs/{digest}", "",                          "401  401 401 401 401  401 401 401 401  401  401  401  404"),
    row("GET /edge/v1/bundle", "",                                  "401  401 401 401 401  401 401 401 401  401  401  401  200"),
    row("POST /edge/v1/report", r#"{"edge":"e","vm":"0","boot":"b","seq":1,"applied_version":1}"#,
                                                                    "401  401 401 401 401  401 401 401 401  401  401  401  204"),
    row("POST /edge/v1/report", r#"{"edge":"e","vm":"0","applied_version":1}"#,
                                                                    "401  401 401 401 401  401 401 401 401  401  401  401  204"),
    row("POST /edge/v1/leases", r#"{"edge":"e","boot":"0123456789abcdef","seq":1}"#,
                                                                    "401  401 401 401 401  401 401 401 401  401  401  401  200"),
    row("POST /edge/v1/drain", r#"{"edge":"e"}"#,                   "401  401 401 401 401  401 401 401 401  401  401  401  200"),
];

/// A caller: what they come with, and whose rows they ask for.
struct Caller {
    token: Option<String>,
    asks_for: String,
}

async fn callers(stack: &Stack) -> Vec<Caller> {
    let (home, other, third) =
        (stack.default_organization().await, stack.organization("other").await, stack.organization("third").await);
    let mut callers = vec![Caller { token: Some(stack.admin.clone()), asks_for: home.clone() }];
    for organization in [&home, &other] {
        for role in ["owner", "admin", "member", "viewer"] {
            let Person { token, .. } = stack.person(organization, role).await;
            callers.push(Caller { token: Some(token), asks_for: organization.clone() });
        }
    }
    let stranger = stack.person(&third, "owner").await;
    callers.push(Caller { token: Some(stranger.token), asks_for: other.clone() });
    let idle = stack.token(&home, None, "", None).await;
    callers.push(Caller { token: Some(idle), asks_for: home.clone() });
    callers.push(Caller { token: None, asks_for: home.clone() });
    callers.push(Caller { token: Some(stack.edge.clone()), asks_for: home });
    callers
}

#[tokio::test]
async fn every_route_answers_every_caller_as_the_table_says() {
    let stack = super::apps::stack().await;
    let callers = callers(&stack).await;
    let mut wrong = Vec::new();
    for Row { route, body, expected } in TABLE {
        let expected: Vec<u16> = expected.split_whitespace().map(|status| status.parse().unwrap()).collect();
        assert_eq!(expected.len(), CALLERS.len(), "{route}");
        let (method, path) = route.split_once(' ').unwrap();
        let mut found = Vec::new();
        for Caller { token, asks_for } in &callers {
            let path = filled(&stack, asks_for, path).await;
            let body = filled(&stack, asks_for, body).await;
            let method: Method = method.parse().unwrap();
            let answer = stack.send(method, &path, token.as_deref(), Some(body.as_bytes())).await;
            found.push(answer.status);
        }
        for (caller, (found, expected)) in CALLERS.iter().zip(found.iter().zip(&expected)) {
            if found != expected {
                wrong.push(format!("{route} {body}: {caller} got {found}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// `GET /v1/keys/{}`: routes name their parameters, rows say what to put there.
fn shape(route: &str) -> String {
    let route = route.split('?').next().unwrap();
    let parts = route.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let served: BTreeSet<_> = routes().iter().map(|route| shape(&format!("{} {}", route.method, route.path))).collect();
    let tabled: BTreeSet<_> = TABLE.iter().chain(PAGES).map(|row| shape(row.route)).collect();
    assert!(served.len() > 20, "the routes must be seen");
    let missing: Vec<_> = served.difference(&tabled).collect();
    let surplus: Vec<_> = tabled.difference(&served).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "without a row: {missing:?}; without a route: {surplus:?}");
}

#[tokio::test]
async fn nothing_of_one_organisation_is_in_any_answer_to_another() {
    let stack = Stack::start().await;
    let (mine, theirs) = (stack.organization("mine").await, stack.organization("secretive-ltd").await);
    let marks = ["secretive", theirs.as_str()];
    let key = json!({ "name": "secretive till", "environment": "live", "organization": theirs });
    let key = stack.post("/v1/keys", key).await.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/organizations/{theirs}/invitations");
    let invitation = stack.post(&path, json!({ "role": "viewer", "email": "secretive@example.com" })).await.json();
    let member = stack.person(&theirs, "owner").await;
    stack.run(format!("UPDATE users SET name = 'secretive' WHERE id = '{}'", member.id)).await;
    let token = json!({ "name": "secretive robot", "kind": "service", "organization": theirs });
    let token = stack.post("/v1/tokens", token).await.json()["id"].as_str().unwrap().to_owned();
    let denied = denial(&stack, &theirs).await;
    let hook = webhook(&stack, &theirs).await;
    let (hidden, skilled) = (secret(&stack, &theirs).await, skill(&stack, &theirs).await);
    let sent = stack.post(&format!("/v1/webhooks/{hook}/test"), json!({})).await.json();
    let ids = [
        &denied,
        &hook,
        &hidden,
        &skilled,
        sent["id"].as_str().unwrap(),
        key.as_str(),
        &token,
        &member.id,
        invitation["id"].as_str().unwrap(),
    ];

    let (owner, home) = (stack.person(&mine, "owner").await, stack.default_organization().await);
    let operator = stack.person(&home, "member").await;
    let reading: Vec<_> = routes().into_iter().filter(|it| it.method == "GET" && it.path.starts_with("/v1/")).collect();
    let mut asked = 0;
    for route in reading {
        let paths: Vec<_> = match route.path.contains('{') {
            true => ids.iter().map(|id| parameters(&route.path, &theirs, id)).collect(),
            false => vec![route.path.clone()],
        };
        for path in paths {
            for caller in [&owner, &operator] {
                let answer = stack.by(&caller.token, Method::GET, &path, None).await;
                let text = String::from_utf8(answer.bytes).unwrap();
                let found = marks.iter().chain(&ids).find(|mark| text.contains(**mark));
                assert_eq!(found, None, "GET {path}: {text}");
                asked += 1;
            }
            let shown = stack.by(&member.token, Method::GET, &path, None).await;
            assert!(shown.status != 401, "GET {path}");
        }
    }
    assert!(asked > 20, "{asked}");
    let listed = stack.by(&member.token, Method::GET, "/v1/keys", None).await;
    assert!(String::from_utf8(listed.bytes).unwrap().contains(&key), "its own members see it");
}

fn parameters(path: &str, organization: &str, id: &str) -> String {
    let fill = |part: &str| match part {
        "{id}" if path.contains("/organizations/") => organization.to_owned(),
        // Plans are nobody's but the operator's, and have names that whoever asks for one brings along.
        "{name}" => "nosuch".to_owned(),
        part if part.starts_with('{') => id.to_owned(),
        part => part.to_owned(),
    };
    path.split('/').map(fill).collect::<Vec<_>>().join("/")
}
