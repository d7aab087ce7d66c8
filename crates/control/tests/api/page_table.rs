//! Page × member → status, for every page there is, as data; the counterpart of `table` for people with a session.
//!
//! Forms are sent as the page would send them. Whoever is not signed in is sent to do so, and learns nothing.

use reqwest::Method;

use super::browser::Browser;
use super::places::filled;
use super::table::{Row, row};
use crate::stack::Stack;

/// Who looks, in the order of the columns below; `outsider` is the owner of a third organisation, asking for the second
/// one's rows.
const PEOPLE: [&str; 10] = [
    "owner",
    "admin",
    "member",
    "viewer",
    "other owner",
    "other admin",
    "other member",
    "other viewer",
    "outsider",
    "nobody",
];

#[rustfmt::skip]
pub(crate) const PAGES: &[Row] = &[
    //                                                             default: o a m  v   other: o  a   m   v   out nob
    row("GET /assets/{asset}", "",                                  "200 200 200 200  200 200 200 200  200  200"),
    row("GET /favicon.ico", "",                                     "308 308 308 308  308 308 308 308  308  308"),

    row("GET /keys", "",                                            "200 200 200 200  200 200 200 200  200  303"),
    row("POST /keys/search", "q=till",                              "303 303 303 303  303 303 303 303  303  303"),
    row("GET /keys/new", "",                                        "200 200 200 403  200 200 200 403  200  303"),
    row("POST /keys/new", "name=x&environment=live",                "200 200 200 403  200 200 200 403  200  303"),
    row("GET /keys/import", "",                                     "200 200 200 403  200 200 200 403  200  303"),
    row("POST /keys/import", "text=name,sha256,prefix%0Ax,{sha256},sk_live_",
                                                                    "303 303 303 403  303 303 303 403  303  303"),
    row("GET /keys/{key}", "",                                      "200 200 200 200  200 200 200 200  404  303"),
    row("GET /keys/{key}/details", "",                              "200 200 200 403  200 200 200 403  404  303"),
    row("POST /keys/{key}/details", "name=y",                       "303 303 303 403  303 303 303 403  404  303"),
    row("GET /keys/{key}/scopes", "",                               "200 200 200 403  200 200 200 403  404  303"),
    row("POST /keys/{key}/scopes", "apply=enforce",                 "303 303 303 403  303 303 303 403  404  303"),
    row("POST /keys/{key}/scopes", "apply=try",                     "303 303 303 403  303 303 303 403  404  303"),
    row("GET /keys/{key}/restrict", "",                             "200 200 200 403  200 200 200 403  404  303"),
    row("POST /keys/{key}/restrict", "apply=enforce&ip=true",       "303 303 303 403  303 303 303 403  404  303"),
    row("POST /keys/{key}/restrict", "apply=try&ip=true",           "303 303 303 403  303 303 303 403  404  303"),
    row("GET /keys/{key}/limits", "",                               "200 200 200 403  200 200 200 403  404  303"),
    row("POST /keys/{key}/limits", "limit=9&period=day",            "303 303 303 403  303 303 303 403  404  303"),
    row("GET /keys/{key}/rotate", "",                               "200 200 200 403  200 200 200 403  404  303"),
    row("POST /keys/{key}/rotate", "overlap=86400",                 "200 200 200 403  200 200 200 403  404  303"),
    row("GET /keys/{key}/revoke", "",                               "200 200 200 403  200 200 200 403  404  303"),
    row("POST /keys/{key}/revoke", "",                              "303 303 303 403  303 303 303 403  404  303"),
    row("POST /keys/{key}/disable", "",                             "303 303 303 403  303 303 303 403  404  303"),
    row("POST /keys/{key}/enable", "",                              "303 303 303 403  303 303 303 403  404  303"),
    row("POST /keys/{tried}/trial/end", "",                         "303 303 303 403  303 303 303 403  404  303"),
    row("POST /keys/{tried}/trial/enforce", "",                     "303 303 303 403  303 303 303 403  404  303"),

    row("GET /secrets", "",                                         "200 200 200 200  200 200 200 200  200  303"),
    row("GET /secrets/new", "",                                     "200 200 200 403  200 200 200 403  200  303"),
    row("POST /secrets/new", "name=s{fresh}&value=correct+horse",   "303 303 303 403  303 303 303 403  303  303"),
    row("POST /secrets/new", "name=s{fresh}&value=correct+horse&whose=team",
                                                                    "303 303 403 403  303 303 403 403  303  303"),
    row("GET /secrets/{secret}", "",                                "200 200 200 200  200 200 200 200  404  303"),
    row("POST /secrets/{secret}", "description=y",                  "303 303 403 403  303 303 403 403  404  303"),
    row("POST /secrets/{secret}/value", "value=battery+staple",     "303 303 403 403  303 303 403 403  404  303"),
    row("GET /secrets/{secret}/delete", "",                         "200 200 403 403  200 200 403 403  404  303"),
    row("POST /secrets/{secret}/delete", "",                        "303 303 403 403  303 303 403 403  404  303"),
    row("GET /skills", "",                                          "200 200 200 200  200 200 200 200  200  303"),
    row("GET /skills/new", "",                                      "200 200 200 403  200 200 200 403  200  303"),
    row("POST /skills/new", "name=s{fresh}",                        "303 303 303 403  303 303 303 403  303  303"),
    row("POST /skills/new", "name=s{fresh}&whose=team",             "303 303 403 403  303 303 403 403  303  303"),
    row("GET /skills/published", "",                                "200 200 200 200  200 200 200 200  200  303"),
    row("GET /skills/published/{published}", "",                    "200 200 200 403  200 200 200 403  200  303"),
    row("POST /skills/published/{published}", "name=s{fresh}",      "303 303 303 403  303 303 303 403  303  303"),
    row("GET /skills/{skill}", "",                                  "200 200 200 200  200 200 200 200  404  303"),
    row("POST /skills/{skill}", "description=y&services=",          "303 303 403 403  303 303 403 403  404  303"),
    row("POST /skills/{skill}/publish", "",                         "303 303 403 403  303 303 403 403  404  303"),
    row("POST /skills/{published}/unpublish", "",                   "303 303 403 403  303 303 403 403  404  303"),
    row("POST /skills/{installed}/upgrade", "",                     "303 303 403 403  303 303 403 403  404  303"),
    row("GET /skills/{skill}/delete", "",                           "200 200 403 403  200 200 403 403  404  303"),
    row("POST /skills/{skill}/delete", "",                          "303 303 403 403  303 303 403 403  404  303"),
    row("POST /edges/keys", "public_key={public_key}",              "303 303 403 403  403 403 403 403  403  303"),
    row("GET /edges/keys/{edge_key}/remove", "",                    "200 200 403 403  403 403 403 403  403  303"),
    row("POST /edges/keys/{edge_key}/remove", "",                   "303 303 403 403  403 403 403 403  403  303"),

    row("GET /usage", "",                                           "200 200 200 200  200 200 200 200  200  303"),
    row("GET /usage/export", "",                                    "200 200 200 200  200 200 200 200  200  303"),
    row("GET /receipts/{version}", "",                              "200 200 200 200  200 200 200 200  404  303"),
    row("GET /explain", "",                                         "200 200 200 200  200 200 200 200  200  303"),
    row("POST /explain", "key={key}&method=GET&path=/v1/x",         "200 200 200 200  200 200 200 200  422  303"),
    row("GET /denials", "",                                         "200 200 200 200  200 200 200 200  200  303"),
    row("GET /denials?request_id={denial}", "",                     "303 303 303 303  303 303 303 303  422  303"),
    row("GET /denials/{denial}", "",                                "200 200 200 200  200 200 200 200  404  303"),

    row("GET /", "",                                                "200 200 200 200  200 200 200 200  200  303"),
    row("GET /sign-in", "",                                         "303 303 303 303  303 303 303 303  303  200"),
    row("POST /sign-in", "email={sha256}@example.com&password=x",   "422 422 422 422  422 422 422 422  422  403"),
    row("GET /welcome/{token}", "",                                 "404 404 404 404  404 404 404 404  404  404"),
    row("POST /welcome/{token}", "",                                "404 404 404 404  404 404 404 404  404  403"),
    row("GET /invitations/{token}", "",                             "404 404 404 404  404 404 404 404  404  404"),
    row("POST /invitations/{token}", "",                            "404 404 404 404  404 404 404 404  404  403"),

    row("GET /organization", "",                                    "200 200 200 200  200 200 200 200  200  303"),
    row("POST /organization/switch", "organization={org}",          "303 303 303 303  303 303 303 303  404  303"),
    row("POST /organization/members/{viewer}/role", "role=member",  "303 303 403 403  303 303 403 403  404  303"),
    row("POST /organization/members/{owner}/role", "role=viewer",   "303 403 403 403  303 403 403 403  404  303"),
    row("GET /organization/members/{viewer}/remove", "",            "200 200 403 403  200 200 403 403  404  303"),
    row("GET /organization/members/{owner}/remove", "",             "200 403 403 403  200 403 403 403  404  303"),
    row("POST /organization/members/{viewer}/remove", "",           "303 303 403 403  303 303 403 403  404  303"),
    row("POST /organization/members/{owner}/remove", "",            "303 403 403 403  303 403 403 403  404  303"),
    row("POST /organization/invitations", "role=admin&email=new@example.com", "200 200 403 403  200 200 403 403  200  303"),
    row("POST /organization/invitations", "role=owner&email=new@example.com", "200 403 403 403  200 403 403 403  200  303"),
    row("POST /organization/invitations/{invitation}/withdraw", "", "303 303 403 403  303 303 403 403  404  303"),
    row("GET /oauth/authorize", "",                                 "400 400 400 400  400 400 400 400  400  400"),
    row("POST /oauth/authorize", "",                                "400 400 400 400  400 400 400 400  400  403"),
    row("GET /apps", "",                                            "200 200 403 403  200 200 403 403  200  303"),
    row("POST /apps", "name=x&redirect_uris=https://a.example/cb&environments=live",
                                                                    "200 200 403 403  200 200 403 403  200  303"),
    row("GET /apps/{app}", "",                                      "200 200 403 403  200 200 403 403  404  303"),
    row("POST /apps/{app}", "name=y&redirect_uris=https://a.example/cb&environments=live",
                                                                    "303 303 403 403  303 303 403 403  404  303"),
    row("POST /apps/{app}/rotate", "",                              "200 200 403 403  200 200 403 403  404  303"),
    row("GET /apps/{app}/revoke", "",                               "200 200 403 403  200 200 403 403  404  303"),
    row("POST /apps/{app}/revoke", "",                              "303 303 403 403  303 303 403 403  404  303"),
    row("GET /grants", "",                                          "200 200 200 200  200 200 200 200  200  303"),
    row("GET /grants/{grant}/revoke", "",                           "200 200 404 404  200 200 404 404  404  303"),
    row("POST /grants/{grant}/revoke", "",                          "303 303 404 403  303 303 404 403  404  303"),
    row("GET /webhooks", "",                                        "200 200 403 403  200 200 403 403  200  303"),
    row("GET /webhooks/{webhook}", "",                              "200 200 403 403  200 200 403 403  404  303"),
    row("POST /webhooks/{webhook}", "url=http://127.0.0.1:9/y&events=quota.threshold",
                                                                    "303 303 403 403  303 303 403 403  404  303"),
    row("POST /webhooks/{webhook}", "url=http://127.0.0.1:9/y&events=quota.threshold.all",
                                                                    "303 303 403 403  422 422 403 403  404  303"),
    row("POST /webhooks/{webhook}/disable", "",                     "303 303 403 403  303 303 403 403  404  303"),
    row("POST /webhooks/{webhook}/enable", "",                      "303 303 403 403  303 303 403 403  404  303"),
    row("POST /webhooks/{webhook}/test", "",                        "303 303 403 403  303 303 403 403  404  303"),
    row("POST /webhooks/{webhook}/deliveries/{delivery}/retry", "", "303 303 403 403  303 303 403 403  404  303"),
    row("GET /webhooks/{webhook}/remove", "",                       "200 200 403 403  200 200 403 403  404  303"),
    row("POST /webhooks/{webhook}/remove", "",                      "303 303 403 403  303 303 403 403  404  303"),
    row("POST /webhooks", "url=http://127.0.0.1:9/y&events=quota.threshold",
                                                                    "200 200 403 403  200 200 403 403  200  303"),
    row("GET /organizations", "",                                   "200 200 200 200  403 403 403 403  403  303"),
    row("POST /organizations", "name=x",                            "303 303 403 403  403 403 403 403  403  303"),
    row("POST /organization/time-zone", "time_zone=Europe/Berlin",  "303 303 403 403  303 303 403 403  303  303"),
    row("GET /organizations/{org}", "",                             "200 200 403 403  403 403 403 403  403  303"),
    row("POST /organizations/{org}/plan", "plan=free&time_zone=UTC", "303 303 403 403  403 403 403 403  404  303"),
    row("POST /organizations/{org}/top-ups", "tokens=5",            "303 303 403 403  403 403 403 403  404  303"),
    row("GET /signing-keys", "",                                    "200 200 200 200  403 403 403 403  403  303"),
    row("POST /signing-keys/rotate", "now=true",                    "303 303 403 403  403 403 403 403  403  303"),
    row("GET /signing-keys/{sha256}/revoke", "",                    "404 404 403 403  403 403 403 403  403  303"),
    row("POST /signing-keys/{sha256}/revoke", "",                   "404 404 403 403  403 403 403 403  403  303"),
    row("GET /plans", "",                                           "200 200 200 200  403 403 403 403  403  303"),
    row("POST /plans", "name={sha256}&limit=7",                     "303 303 403 403  403 403 403 403  403  303"),
    row("GET /plans/{plan}", "",                                    "200 200 403 403  403 403 403 403  403  303"),
    row("POST /plans/{plan}", "limit=8",                            "303 303 403 403  403 403 403 403  403  303"),
    row("GET /plans/{plan}/remove", "",                             "200 200 403 403  403 403 403 403  403  303"),
    row("POST /plans/{plan}/remove", "",                            "303 303 403 403  403 403 403 403  403  303"),
    row("GET /organizations/{org}/suspend", "",                     "200 200 403 403  403 403 403 403  403  303"),
    row("POST /organizations/{org}/suspend", "",                    "303 303 403 403  403 403 403 403  404  303"),
    row("POST /organizations/{org}/resume", "",                     "303 303 403 403  403 403 403 403  404  303"),

    row("GET /policy", "",                                          "200 200 200 200  200 200 200 200  200  303"),
    row("GET /policy/edit", "",                                     "200 200 403 403  403 403 403 403  403  303"),
    row("POST /policy/preview", "toml=",                            "422 422 403 403  403 403 403 403  403  303"),
    row("POST /policy/publish", "toml=&base_version=1",             "422 422 403 403  403 403 403 403  403  303"),
    row("GET /policy/versions/{policy}", "",                        "200 200 200 200  403 403 403 403  403  303"),
    row("GET /policy/versions/{policy}/restore", "",                "200 200 403 403  403 403 403 403  403  303"),
    row("POST /policy/versions/{policy}/restore", "base_version=9", "409 409 403 403  403 403 403 403  403  303"),
    row("GET /edges", "",                                           "200 200 200 200  403 403 403 403  403  303"),
    row("GET /audit", "",                                           "200 200 403 403  200 200 403 403  200  303"),
    row("GET /audit/export", "",                                    "200 200 403 403  200 200 403 403  200  303"),

    row("GET /settings", "",                                        "200 200 200 200  200 200 200 200  200  303"),
    row("POST /settings/profile", "name=x",                         "303 303 303 303  303 303 303 303  303  303"),
    row("POST /settings/password", "current=x&new=y",               "422 422 422 422  422 422 422 422  422  303"),
    row("POST /settings/sessions/{session}/end", "",                "404 404 404 404  404 404 404 404  404  303"),
    row("POST /settings/tokens", "kind=personal&token_name=x&scopes=keys:read",
                                                                    "200 200 200 403  200 200 200 403  200  303"),
    row("POST /settings/tokens", "kind=personal&token_name=x&scopes=policy:write",
                                                                    "200 200 403 403  403 403 403 403  403  303"),
    row("POST /settings/tokens", "kind=service&token_name=x",       "200 200 422 403  200 200 422 403  200  303"),
    row("GET /settings/tokens/{token}/revoke", "",                  "200 200 404 403  200 200 404 403  404  303"),
    row("POST /settings/tokens/{token}/revoke", "",                 "303 303 404 403  303 303 404 403  404  303"),
    // The last two: nobody is signed in after them.
    row("POST /sign-out", "",                                       "303 303 303 303  303 303 303 303  303  303"),
    row("POST /settings/sessions/end", "",                          "303 303 303 303  303 303 303 303  303  303"),
];

/// People, and whose rows they ask for.
async fn people(stack: &Stack) -> Vec<(Browser<'_>, String)> {
    let (home, other, third) =
        (stack.default_organization().await, stack.organization("other").await, stack.organization("third").await);
    let mut people = Vec::new();
    for organization in [&home, &other] {
        for role in ["owner", "admin", "member", "viewer"] {
            people.push((stack.browser(organization, role).await, organization.clone()));
        }
    }
    people.push((stack.browser(&third, "owner").await, other));
    people.push((stack.visitor(), home));
    people
}

#[tokio::test]
async fn every_page_answers_everyone_as_the_table_says() {
    let stack = super::apps::stack().await;
    let people = people(&stack).await;
    let mut wrong = Vec::new();
    for Row { route, body, expected } in PAGES {
        let expected: Vec<u16> = expected.split_whitespace().map(|status| status.parse().unwrap()).collect();
        assert_eq!(expected.len(), PEOPLE.len(), "{route}");
        let (method, path) = route.split_once(' ').unwrap();
        for ((who, (browser, organization)), expected) in PEOPLE.iter().zip(&people).zip(expected) {
            let path = filled(&stack, organization, path).await;
            let body = filled(&stack, organization, body).await;
            let answer = match method {
                "GET" => browser.get(&path).await,
                _ => browser.post_text(&path, &body).await,
            };
            if answer.status != expected {
                wrong.push(format!("{route} {body}: {who} got {}, not {expected}", answer.status));
            }
            if answer.status == 303 && *who == "nobody" {
                assert!(answer.header("location").starts_with("/sign-in"), "{route}");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn no_form_is_taken_that_is_not_from_our_page() {
    let stack = super::apps::stack().await;
    let home = stack.default_organization().await;
    let browser = stack.browser(&home, "owner").await;
    let elsewhere = [("origin", "https://evil.example")];
    let crossing = [("sec-fetch-site", "cross-site")];
    for Row { route, body, .. } in PAGES.iter().filter(|row| row.route.starts_with("POST ")) {
        let path = filled(&stack, &home, route.split_once(' ').unwrap().1).await;
        for (headers, csrf) in [
            (&[][..], "csrf=&"),
            (&[], ""),
            (&[], "csrf=0000&"),
            (&elsewhere, browser.token_field()),
            (&crossing, browser.token_field()),
        ] {
            let answer = browser.send(Method::POST, &path, headers, &format!("{csrf}{body}")).await;
            assert_eq!(answer.status, 403, "{route} {headers:?} {csrf}");
            assert!(answer.text().contains("load the page again"), "{route}");
        }
    }
}
