//! Keys in the page: a walk through a key's life, and what must never be on a page, in an address or in a log.

use reqwest::Method;
use serde_json::json;

use super::browser::{Browser, hidden, shown};
use crate::stack::{Answer, Stack};

const PRESS: &[(&str, &str)] = &[];

/// Makes a key through the form; its id and its text.
async fn create(browser: &Browser<'_>, name: &str) -> (String, String) {
    let once = hidden(&browser.get("/keys/new").await.text(), "idempotency_key");
    let fields = [("name", name), ("environment", "live"), ("scopes", "refunds:read"), ("idempotency_key", &once)];
    let page = browser.post("/keys/new", &fields).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!(page.header("cache-control"), "no-store");
    let html = page.text();
    let text = html.split("sk_live_").nth(1).unwrap().split('<').next().unwrap();
    let id = html.split("/keys/key_").nth(1).unwrap().split('"').next().unwrap();
    (format!("key_{id}"), format!("sk_live_{text}"))
}

fn has(page: &Answer, texts: &[&str]) {
    let html = page.text();
    assert_eq!(page.status, 200, "{html}");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    for text in texts {
        assert!(html.contains(text), "no `{text}` in {html}");
    }
}

#[tokio::test]
async fn a_key_lives_its_life_in_the_page() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let browser = stack.browser(&home, "member").await;
    has(&browser.get("/keys").await, &["No keys yet", "portcullis keys create"]);

    let (id, text) = create(&browser, "till").await;
    let page = format!("/keys/{id}");
    has(&browser.get("/keys").await, &["till", &page]);
    has(&browser.get(&page).await, &["till", "refunds:read", "No request with this key was denied lately"]);
    assert!(!browser.get(&page).await.text().contains(&text), "shown once");

    let etag = hidden(&browser.get(&format!("{page}/details")).await.text(), "etag");
    let details = [("etag", &*etag), ("name", "till 2"), ("expires_at", "2027-01-15T12:00"), ("metadata", "team=a b")];
    has(&browser.go(&format!("{page}/details"), &details).await, &["till 2", "team", "a b", "The key was changed."]);
    has(&browser.go(&format!("{page}/details"), &details).await, &["Nothing was changed."]);
    let late = browser.post(&format!("{page}/details"), &[("etag", &*etag), ("name", "till 3")]).await;
    assert_eq!(late.status, 412, "the form was filled in for an older version");

    let restriction = [("ip", "true"), ("ip_allow", "203.0.113.0/24\n192.0.2.1"), ("apply", "enforce")];
    let restricted = browser.go(&format!("{page}/restrict"), &restriction).await;
    has(&restricted, &["203.0.113.0/24", "192.0.2.1", "new restrictions", "no edge has reported yet"]);
    has(&browser.get(&format!("{page}/restrict")).await, &["192.0.2.1\n203.0.113.0/24</textarea>"]);

    let trial = [("endpoint", "true"), ("endpoint_allow", "GET /v1/refunds"), ("apply", "try"), ("ip", "true")];
    has(&browser.go(&format!("{page}/restrict"), &trial).await, &["On trial", "It would have denied nothing so far"]);
    let sample = json!({ "key": id, "kind": "trial", "reason": "endpoint_not_allowed", "address": "192.0.2.1",
        "referrer": "https://shop.example/", "method": "POST", "path": "/v1/payouts", "count": 1204 });
    let report = json!({ "edge": "edge-1", "vm": "1", "applied_version": 1, "samples": [sample] });
    assert_eq!(stack.report(report).await.status, 204);
    let tried = browser.get(&page).await;
    has(&tried, &["Endpoint not allowed", "192.0.2.1", "https://shop.example/", "POST /v1/payouts"]);
    assert_eq!(shown(&tried.text(), "trial-total"), "It would have denied 1,204 requests.");
    has(&browser.go(&format!("{page}/trial/enforce"), PRESS).await, &["The change is enforced.", "GET /v1/refunds"]);

    has(&browser.go(&format!("{page}/disable"), PRESS).await, &["The key is disabled.", "Enable"]);
    has(&browser.go(&format!("{page}/enable"), PRESS).await, &["The key is enabled."]);

    let rotated = browser.post(&format!("{page}/rotate"), &[("overlap", "custom"), ("hours", "2")]).await;
    has(&rotated, &["The new key is ready", "in 2 hours", "Copy the key now", "till 2"]);
    let used = json!({ "key": id, "kind": "retiring", "address": "198.51.100.7", "method": "GET", "path": "/v1/x", "count": 3 });
    let report = json!({ "edge": "edge-1", "vm": "1", "applied_version": 1, "samples": [used] });
    assert_eq!(stack.report(report).await.status, 204);
    has(&browser.get(&page).await, &["Who still uses the old key", "198.51.100.7"]);
    assert_eq!(browser.post(&format!("{page}/rotate"), &[("overlap", "0")]).await.status, 409, "once only");

    let question = browser.get(&format!("{page}/revoke")).await;
    has(&question, &["data-question", "Revoke till 2?", "It cannot be undone"]);
    let revoked = browser.go(&format!("{page}/revoke"), PRESS).await;
    has(&revoked, &["The key is revoked for good.", "Revoked"]);
    assert!(!revoked.text().contains("data-test=\"revoke\""), "it is done");
    assert_eq!(browser.get(&format!("{page}/scopes")).await.status, 409);
    assert!(!revoked.text().contains("In the audit log"), "members do not read the log");
    let admin = stack.browser(&home, "admin").await;
    has(&admin.get(&page).await, &["In the audit log", "key.rotated", "key.revoked", "member-"]);
}

#[tokio::test]
async fn what_is_filled_in_and_not_ticked_is_asked_about() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let browser = stack.browser(&home, "member").await;
    for field in ["ip_allow", "ip_deny", "referrer_allow", "endpoint_allow"] {
        let once = hidden(&browser.get("/keys/new").await.text(), "idempotency_key");
        let fields =
            [("name", "till"), ("environment", "live"), ("idempotency_key", &once), (field, "GET /v1/refunds")];
        let page = browser.post("/keys/new", &fields).await;
        assert!(page.status == 422 && page.text().contains("filled in but not ticked"), "{field}: {}", page.text());
    }
    let (id, _) = create(&browser, "till").await;
    let page = format!("/keys/{id}/restrict");
    let restricted = [("endpoint", "true"), ("endpoint_allow", "GET /v1/refunds"), ("apply", "enforce")];
    has(&browser.go(&page, &restricted).await, &["GET /v1/refunds"]);
    let other = browser.post(&page, &[("endpoint_allow", "GET /v1/payouts"), ("apply", "enforce")]).await;
    assert_eq!(other.status, 422, "{}", other.text());
    let lifted = browser.go(&page, &[("endpoint_allow", "GET /v1/refunds"), ("apply", "enforce")]).await;
    assert!(lifted.status == 200 && !lifted.text().contains("GET /v1/refunds</"), "{}", lifted.text());
}

#[tokio::test]
async fn a_change_has_a_receipt_on_the_next_page() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let browser = stack.browser(&home, "member").await;
    let (id, _) = create(&browser, "till").await;
    let heard = async |version: u64| {
        let report = json!({ "edge": "edge-1", "vm": "1", "applied_version": version });
        assert_eq!(stack.report(report).await.status, 204);
    };
    heard(1).await;
    let answer = browser.post(&format!("/keys/{id}/revoke"), PRESS).await;
    let next = answer.header("location").to_owned();
    let version: u64 = next.rsplit("version=").next().unwrap().parse().unwrap();
    assert_eq!(next, format!("/keys/{id}?done=key.revoked&version={version}"));
    has(&browser.get(&next).await, &["enforced on 0 of 1 edge", "data-complete=\"false\""]);
    stack.pass_millis(140);
    heard(version).await;
    has(&browser.get(&next).await, &["enforced on 1 of 1 edge, slowest 140 ms", "data-complete=\"true\""]);

    let receipt = format!("/receipts/{version}");
    has(&browser.get(&receipt).await, &["<html", "edge-1", "140 ms"]);
    let fragment = browser.send(Method::GET, &receipt, &[("x-fragment", "1")], "").await;
    has(&fragment, &["slowest 140 ms"]);
    assert!(!fragment.text().contains("<html"));
    let elsewhere = stack.browser(&stack.organization("other").await, "owner").await;
    let noticed = elsewhere.get(&format!("/keys?done=key.revoked&version={version}")).await;
    has(&noticed, &["The key is revoked for good."]);
    assert!(!noticed.text().contains("data-receipt"), "somebody else's change");
    assert_eq!(elsewhere.get(&receipt).await.status, 404);
    assert_eq!(elsewhere.get("/receipts/nonsense").await.status, 404);
}

#[tokio::test]
async fn a_form_sent_twice_makes_one_key() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let (browser, other) = (stack.browser(&home, "member").await, stack.browser(&home, "member").await);
    let fields = [("name", "till"), ("environment", "live"), ("idempotency_key", "0123")];
    assert_eq!(browser.post("/keys/new", &fields).await.status, 200);
    has(&browser.go("/keys/new", &fields).await, &["the form was sent twice", "till"]);
    assert_eq!(other.post("/keys/new", &fields).await.status, 200, "somebody else's form");
    assert_eq!(stack.get("/v1/keys").await.json()["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field() {
    let stack = Stack::start().await;
    let browser = stack.browser(&stack.default_organization().await, "member").await;
    let (id, _) = create(&browser, "till").await;
    let key = |page: &str| format!("/keys/{id}/{page}");
    for (path, fields, field, text) in [
        ("/keys/new".to_owned(), &[("name", ""), ("environment", "live")][..], "name", "Expected 1 to 100"),
        ("/keys/new".to_owned(), &[("name", "x"), ("environment", "")], "environment", "knows no such environment"),
        (
            "/keys/new".to_owned(),
            &[("name", "x"), ("environment", "live"), ("expires_at", "2020-01-01T00:00")],
            "expires_at",
            "in the past",
        ),
        (
            "/keys/new".to_owned(),
            &[("name", "x"), ("environment", "live"), ("metadata", "nothing")],
            "metadata",
            "Line 1: expected `name=value`.",
        ),
        (
            "/keys/new".to_owned(),
            &[("name", "x"), ("environment", "live"), ("ip", "true"), ("ip_deny", "192.0.2.1\nhere")],
            "ip_deny",
            "Entry 2: ",
        ),
        (key("details"), &[("name", " ")], "name", "Expected 1 to 100"),
        (key("scopes"), &[("scopes", "no:such"), ("apply", "enforce")], "scopes", "no such scope"),
        (key("restrict"), &[("ip", "true"), ("ip_allow", "x"), ("apply", "try")], "ip_allow", "Entry 1: "),
        (key("restrict"), &[("apply", "try")], "ip_allow", "Tick what is to be tried."),
        (key("rotate"), &[("overlap", "custom"), ("hours", "0")], "hours", "Expected 1 to 8760 hours."),
        (key("rotate"), &[], "overlap", "Choose one."),
        ("/explain".to_owned(), &[("key", "key_0000000000000000"), ("path", "/")], "key", "no such key"),
        ("/explain".to_owned(), &[("key", &*id), ("path", "/"), ("address", "here")], "address", ""),
    ] {
        let answer = browser.post(&path, fields).await;
        let html = answer.text();
        assert_eq!(answer.status, 422, "{path} {fields:?}: {html}");
        let (_, problem) =
            html.split_once(&format!("id=\"{field}-problem\"")).unwrap_or_else(|| panic!("{path}: {html}"));
        let problem = problem.split("</p>").next().unwrap();
        assert!(problem.replace("<code>", "`").replace("</code>", "`").contains(text), "{path} {fields:?}: {problem}");
    }
    let answer = browser.post("/keys/import", &[("text", "name,sha256\nx,1")]).await;
    assert_eq!(answer.status, 422);
    assert!(answer.text().contains("Nothing was imported"), "{}", answer.text());
}

#[tokio::test]
async fn keys_are_imported_as_a_table_or_as_json() {
    let stack = Stack::start().await;
    let browser = stack.browser(&stack.default_organization().await, "member").await;
    let digest = |letter: &str| letter.repeat(64);
    for (name, text) in [
        ("table", format!("name,sha256,prefix,scopes\ntable,{},sk_live_,refunds:read payouts:read", digest("a"))),
        ("object", json!({ "keys": [{ "name": "object", "sha256": digest("b"), "prefix": "sk_live_" }] }).to_string()),
        ("list", json!([{ "name": "list", "sha256": digest("c"), "prefix": "sk_test_" }]).to_string()),
    ] {
        has(&browser.go("/keys/import", &[("text", &text)]).await, &["The keys were imported.", name]);
        let again = browser.post("/keys/import", &[("text", &text)]).await;
        assert_eq!(again.status, 422);
        assert!(again.text().contains("is here already"), "{}", again.text());
    }
}

#[tokio::test]
async fn a_viewer_sees_and_is_offered_nothing_else() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let (id, _) = create(&stack.browser(&home, "member").await, "till").await;
    let viewer = stack.browser(&home, "viewer").await;
    for path in ["/keys".to_owned(), format!("/keys/{id}")] {
        let html = viewer.get(&path).await.text();
        assert!(html.contains("till"), "{html}");
        for offer in ["/keys/new", "/revoke", "/restrict", "/rotate", "/disable", "/details\""] {
            assert!(!html.contains(offer), "{path} offers {offer}");
        }
    }
    let refused = viewer.post(&format!("/keys/{id}/revoke"), PRESS).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("keys:write") && refused.text().contains(refused.header("x-request-id")));
}

#[tokio::test]
async fn a_listing_filters_and_goes_on() {
    let stack = Stack::start().await;
    let browser = stack.browser(&stack.default_organization().await, "member").await;
    let keys: Vec<_> = (0..53).map(|i| json!({ "name": format!("k-{i:02}"), "environment": "live" })).collect();
    assert_eq!(stack.post("/v1/keys:batch", json!({ "keys": keys })).await.status, 201);
    let rows = |page: &Answer| page.text().matches("data-test=\"key-row\"").count();
    let first = browser.get("/keys?status=active&environment=live&q=").await;
    assert_eq!(rows(&first), 50);
    let html = first.text();
    let (before, _) = html.split_once("\" rel=\"next\"").unwrap();
    let next = before.rsplit("href=\"").next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    assert!(next.starts_with("/keys?status=active&environment=live&cursor="), "{next}");
    assert_eq!(rows(&browser.get(&next).await), 3);
    assert_eq!(rows(&browser.get("/keys?q=k-07").await), 1);
    has(&browser.get("/keys?environment=test").await, &["No key matches"]);
    has(&browser.get("/keys?overdue=true&idle=true").await, &["No key matches"]);
    let searched = browser.post("/keys/search", &[("q", "k-0 & more")]).await;
    assert_eq!(searched.header("location"), "/keys?q=k-0%20%26%20more");
    assert_eq!(browser.get("/keys?cursor=nonsense").await.status, 422);
}

#[tokio::test]
async fn a_pasted_key_leads_to_its_page_and_goes_no_further() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let browser = stack.browser(&home, "member").await;
    let (id, text) = create(&browser, "till").await;
    let header = format!("Authorization: Bearer {text}");
    for pasted in [&*text, &format!(" {text}\n"), &header] {
        let found = browser.post("/keys/search", &[("q", pasted)]).await;
        assert_eq!((found.status, found.header("location")), (303, &*format!("/keys/{id}")));
    }
    let unknown = format!("{}{}", text.get(..text.len() - 4).unwrap(), "AAAA");
    for pasted in [&unknown, &stack.admin] {
        let lost = browser.post("/keys/search", &[("q", pasted)]).await;
        assert_eq!(lost.header("location"), "/keys?done=key.unknown");
    }
    let elsewhere = stack.browser(&stack.organization("other").await, "owner").await;
    let lost = elsewhere.post("/keys/search", &[("q", &text)]).await;
    assert_eq!(lost.header("location"), "/keys?done=key.unknown", "somebody else's");

    let address = browser.get(&format!("/keys?q={text}")).await;
    assert_eq!(address.header("location"), "/keys?done=key.in-address");
    let long = format!("name,sha256,prefix\nx,{text},sk_live_");
    for (path, fields) in [
        ("/keys/new", &[("name", &*text), ("environment", "live")][..]),
        ("/keys/new", &[("name", "x"), ("environment", "live"), ("metadata", &*format!("a={text}"))]),
        ("/keys/new", &[("name", "x"), ("environment", &*text), ("expires_at", &text)]),
        ("/keys/new", &[("name", "x"), ("environment", "live"), ("ip", "true"), ("ip_allow", &text)]),
        ("/keys/new", &[("name", "x"), ("environment", "live"), ("scopes", &text)]),
        ("/keys/import", &[("text", &*long)]),
        ("/keys/import", &[("text", &*format!("{{\"{text}\": 1}}"))]),
        ("/explain", &[("key", &*id), ("path", &*format!("/v1/x?key={text}"))]),
        ("/explain", &[("key", &*unknown), ("path", "/v1/x")]),
    ] {
        let answer = browser.post(path, fields).await;
        assert_eq!(answer.status, 422, "{path} {fields:?}");
        let html = answer.text();
        assert!(!html.contains(&text) && !html.contains(&unknown), "{path} {fields:?}: {html}");
    }
    let explained = browser.post("/explain", &[("key", &text), ("method", "GET"), ("path", "/v1/x")]).await;
    has(&explained, &["This request passes", &format!("value=\"{id}\"")]);
    for path in [format!("/keys/{text}"), format!("/denials?request_id={text}"), format!("/denials/{text}")] {
        assert!(!browser.get(&path).await.text().contains(&text), "{path}");
    }
}

#[tokio::test]
async fn requests_and_denials_are_explained() {
    let stack = Stack::start().await;
    let browser = stack.browser(&stack.default_organization().await, "viewer").await;
    let key = stack.key("till").await;
    let id = key["id"].as_str().unwrap();
    let asked = [("key", id), ("method", "POST"), ("path", "/v1/refunds"), ("address", "192.0.2.1")];
    let page = browser.post("/explain", &asked).await;
    has(&page, &["This request is denied: 403", "Scopes", "denied: this decided", "data-outcome=\"passed\""]);
    has(&browser.get(&format!("/explain?key={id}")).await, &[&format!("value=\"{id}\""), "till"]);

    let denial = |request_id: &str, path: &str| {
        json!({ "request_id": request_id, "at": stack.now(), "reason": "no_scopes", "method": "POST", "path": path,
            "key": id, "organization": key["organization"], "address": "192.0.2.1" })
    };
    let denials = [denial("6c1f-1", "/v1/refunds"), denial("6c1f-2", "/<b>")];
    let report = json!({ "edge": "edge-1", "vm": "1", "applied_version": 1, "denials": denials });
    assert_eq!(stack.report(report).await.status, 204);
    has(&browser.get("/denials").await, &["/denials/6c1f-1", "No scopes", "till", "&#60;b&#62;"]);
    let found = browser.get("/denials?request_id=6c1f-1%20").await;
    assert_eq!((found.status, found.header("location")), (303, "/denials/6c1f-1"));
    let page = browser.get("/denials/6c1f-1").await;
    has(&page, &["403 No scopes", "wants a scope", "edge-1", "asked again now", "This request is denied"]);
    let lost = browser.get("/denials?request_id=6c1f-9").await;
    assert_eq!(lost.status, 422);
    assert!(lost.text().contains("No denial has this id"));
    has(&browser.get(&format!("/keys/{id}")).await, &["Latest denials", "/denials/6c1f-2"]);
}

#[tokio::test]
async fn text_of_others_is_only_text() {
    let stack = Stack::start().await;
    let browser = stack.browser(&stack.default_organization().await, "member").await;
    let hostile = "<script>alert('1')</script>\"&";
    let metadata = format!("note={hostile}");
    let fields = [("name", hostile), ("environment", "live"), ("metadata", &metadata)];
    let page = browser.post("/keys/new", &fields).await.text();
    let id = page.split("/keys/key_").nth(1).unwrap().split('"').next().unwrap();
    for path in ["".to_owned(), format!("/key_{id}"), format!("/key_{id}/details"), format!("/key_{id}/revoke")] {
        let html = browser.get(&format!("/keys{path}")).await.text();
        assert!(html.contains("&#60;script&#62;") && !html.contains("<script>"), "{path}: {html}");
    }
    for path in ["/keys?q=%3Cscript%3E", "/denials?request_id=%3Cscript%3E", "/keys?done=%3Cscript%3E", "/%3Cscript%3E"]
    {
        let html = browser.get(path).await.text();
        assert!(!html.contains("<script>"), "{path}: {html}");
    }
}

#[tokio::test]
async fn assets_are_kept_until_they_change() {
    let stack = Stack::start().await;
    let visitor = stack.visitor();
    let page = stack.browser(&stack.default_organization().await, "viewer").await.get("/keys").await.text();
    let href = page.split("href=\"/assets/portcullis.css").nth(1).unwrap().split('"').next().unwrap();
    let named = visitor.get(&format!("/assets/portcullis.css{href}")).await;
    assert_eq!((named.status, named.header("content-type")), (200, "text/css; charset=utf-8"));
    assert_eq!(named.header("cache-control"), "public, max-age=31536000, immutable");
    let bare = visitor.get("/assets/portcullis.css?v=other").await;
    assert_eq!(bare.header("cache-control"), "no-cache");
    let known = [("if-none-match", bare.header("etag"))];
    let again = visitor.send(Method::GET, "/assets/portcullis.css", &known, "").await;
    assert_eq!((again.status, again.bytes.len()), (304, 0));
    assert_eq!(visitor.get("/assets/nothing.css").await.status, 404);
    assert_eq!(visitor.get("/favicon.ico").await.header("location"), "/assets/favicon.svg");
}

#[tokio::test]
async fn the_example_beside_a_new_key_calls_the_gateway_or_a_place_that_nobody_can_take_for_one() {
    for (stack, label, url) in [
        (Stack::with_gateway("https://api.northwind.example").await, "Try it", "https://api.northwind.example/v1 \\"),
        (Stack::start().await, "your gateway’s address in place of YOUR-GATEWAY", "https://YOUR-GATEWAY.example/v1 \\"),
    ] {
        let browser = stack.browser(&stack.default_organization().await, "member").await;
        let page = browser.post("/keys/new", &[("name", "till"), ("environment", "live")]).await;
        has(&page, &[label, &format!("curl {url}")]);
        assert_eq!(page.text().contains("YOUR-GATEWAY"), url.contains("YOUR-GATEWAY"));
    }
}
