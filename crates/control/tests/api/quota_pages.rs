//! Plans, top-ups and quotas in the page, and what every page says once much of a quota is used.

use super::account_pages::has;
use crate::stack::{NOON, Stack};

const MONTH: u64 = 30 * 24 * 60 * 60;

/// As if edges had told that so much of a subject's period is spent.
async fn spend(stack: &Stack, subject: &str, spent: u64, in_doubt: u64) {
    let charged = spent + in_doubt;
    stack.run(format!("DELETE FROM meters WHERE subject = '{subject}'")).await;
    stack
        .run(format!(
            "INSERT INTO meters (subject, period_start, period_end, charged, spent, in_doubt) \
             VALUES ('{subject}', {NOON}, {}, {charged}, {spent}, {in_doubt})",
            NOON + MONTH
        ))
        .await;
}

#[tokio::test]
async fn the_operator_makes_gives_changes_and_removes_plans() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let ada = stack.browser(&home, "admin").await;
    has(&ada.get("/plans").await, 200, &["Free", "30,000 in 30 days", "href=\"/plans\" aria-current=\"page\""]);
    let wrong = [("name", "Team!"), ("limit", "many")];
    has(&ada.post("/plans", &wrong).await, 422, &["limit-problem", "Expected a whole number", "value=\"Team!\""]);
    has(&ada.post("/plans", &[("name", "Team!"), ("limit", "7")]).await, 422, &["name-problem"]);
    has(&ada.post("/plans", &[("name", "none")]).await, 422, &["name-problem", "stands for no plan"]);
    let half = [("name", "team"), ("rate_requests", "5")];
    has(&ada.post("/plans", &half).await, 422, &["rate_requests-problem", "Fill in all three, or none."]);
    for (field, value) in [("period", "week"), ("period", ""), ("lost_leases", "foo")] {
        let problem = format!("{field}-problem");
        let sent = [("name", "odd"), ("limit", "5"), (field, value)];
        has(&ada.post("/plans", &sent).await, 422, &[&problem, "value=\"odd\""]);
        has(&ada.post("/plans/free", &[("limit", "5"), (field, value)]).await, 422, &[&problem]);
    }
    has(&ada.get("/plans").await, 200, &["30,000 in 30 days"]);
    let team = [
        ("name", "team"),
        ("display_name", "Team"),
        ("limit", "1000"),
        ("period", "month"),
        ("rate_requests", "100"),
        ("rate_seconds", "60"),
        ("rate_burst", "20"),
        ("lost_leases", "returned"),
    ];
    has(&ada.go("/plans", &team).await, 200, &["The plan was created.", "1,000 in a month", "100 in 60 s, 20 at once"]);
    has(&ada.post("/plans", &team).await, 422, &["name-problem", "There is a plan"]);
    has(&ada.get("/plans/team").await, 200, &["value=\"1000\"", "value=\"returned\" checked", "\"month\" selected"]);
    let larger = [("display_name", "Team"), ("limit", ""), ("period", "day")];
    has(&ada.go("/plans/team", &larger).await, 200, &["The plan was changed.", "No limit"]);

    let acme = stack.organization("acme").await;
    let here = format!("/organizations/{acme}");
    has(&ada.get("/organizations").await, 200, &[&format!("href=\"{here}\"")]);
    let bare = ada.get(&here).await;
    has(&bare, 200, &["acme", "None so far.", "There is no quota", "It has no plan, so there is nothing to add to"]);
    assert!(!bare.text().contains("name=\"tokens\""), "nothing can be added to no limit");
    has(&ada.post(&format!("{here}/top-ups"), &[("tokens", "5")]).await, 422, &["tokens-problem", "Nobody counts"]);
    let nowhere = [("plan", "free"), ("time_zone", "Europe/Berln")];
    has(
        &ada.post(&format!("{here}/plan"), &nowhere).await,
        422,
        &["database. Did you mean <code>Europe/Berlin</code>?"],
    );
    let empty = ada.post(&format!("{here}/plan"), &[("plan", "free"), ("time_zone", " ")]).await;
    has(&empty, 422, &["time_zone-problem", "Expected a name such as <code>Europe/Berlin</code>"]);
    let free = [("plan", "free"), ("time_zone", "Europe/Berlin")];
    has(&ada.go(&format!("{here}/plan"), &free).await, 200, &["\"free\" selected", "value=\"Europe/Berlin\""]);
    spend(&stack, &acme, 23_000, 0).await;
    has(&ada.get(&here).await, 200, &["data-test=\"quota\"", "23,000<small>76 %", "data-test=\"remaining\">7,000"]);
    has(&ada.post(&format!("{here}/top-ups"), &[("tokens", "x")]).await, 422, &["tokens-problem"]);
    let more = [("tokens", "5000"), ("note", "for the launch")];
    has(&ada.go(&format!("{here}/top-ups"), &more).await, 200, &["was topped up.", "5,000", "for the launch"]);

    has(&ada.get("/plans/free/remove").await, 200, &["Remove the plan Free?"]);
    has(&ada.post("/plans/free/remove", &[]).await, 409, &["<code>acme</code> has this plan"]);
    has(&ada.go("/plans/team/remove", &[]).await, 200, &["The plan is removed."]);
    has(&ada.get("/plans/team").await, 404, &["There is no such plan"]);
    let log = ada.get("/audit").await;
    has(&log, 200, &["plan.created", "plan.updated", "plan.deleted"]);
}

#[tokio::test]
async fn an_organisation_is_made_with_a_plan() {
    let stack = Stack::start().await;
    let ada = stack.browser(&stack.default_organization().await, "admin").await;
    has(&ada.get("/organizations").await, 200, &[">None: nobody counts</option>", "<option value=\"free\">Free<"]);
    let wrong = [("name", "acme"), ("plan", "nosuch")];
    has(&ada.post("/organizations", &wrong).await, 422, &["plan-problem", "value=\"acme\""]);
    has(&ada.go("/organizations", &[("name", "acme"), ("plan", "free")]).await, 200, &["acme", "<code>free</code>"]);
    let form = [("limit", "30000"), ("period", "30d"), ("default", "yes")];
    has(&ada.go("/plans/free", &form).await, 200, &["New organisations"]);
    has(&ada.get("/organizations").await, 200, &["<option value=\"\" selected>free, the default<"]);
}

#[tokio::test]
async fn a_key_is_given_limits_of_its_own() {
    let stack = Stack::start().await;
    let home = stack.default_organization().await;
    let ada = stack.browser(&home, "admin").await;
    let page = format!("/keys/{}", stack.key("till").await["id"].as_str().unwrap());
    let form = format!("{page}/limits");
    has(&ada.get(&page).await, 200, &[&form, "No quota of its own", "No rate of its own"]);
    has(&ada.post(&form, &[("limit", "many")]).await, 422, &["limit-problem", "Expected a whole number"]);
    let weekly = [("limit", "7"), ("period", "week")];
    has(&ada.post(&form, &weekly).await, 422, &["period-problem", "Expected one of <code>30d</code>", "value=\"7\""]);
    has(&ada.post(&form, &[("rate_burst", "5")]).await, 422, &["rate_requests-problem", "value=\"5\""]);
    let rate = [("rate_requests", "100"), ("rate_seconds", "60"), ("rate_burst", "0")];
    has(&ada.post(&form, &rate).await, 422, &["rate_requests-problem"]);
    let both = [&rate[..2], &[("rate_burst", "20"), ("limit", "7"), ("period", "day")]].concat();
    has(
        &ada.go(&form, &both).await,
        200,
        &["The key has its new limits.", "100 in 60 s, 20 at once", "of this key alone"],
    );
    has(&ada.go(&form, &both).await, 200, &["Nothing was changed."]);
    has(&ada.get(&form).await, 200, &["value=\"7\"", "\"day\" selected", "value=\"20\""]);
    has(&ada.go(&form, &[]).await, 200, &["The key has its new limits.", "No quota of its own", "No rate of its own"]);
    let late = [("etag", "\"0\""), ("limit", "8")];
    assert_eq!(ada.post(&form, &late).await.status, 412);
}

#[tokio::test]
async fn an_organisation_sees_its_quota_and_is_warned_on_every_page() {
    let stack = Stack::start().await;
    let acme = stack.organization("acme").await;
    let (ada, vera) = (stack.browser(&acme, "admin").await, stack.browser(&acme, "viewer").await);
    has(&vera.get("/organization").await, 200, &["There is no quota", "Time zone: UTC"]);
    let body = serde_json::json!({ "plan": "free" });
    assert_eq!(stack.patch(&format!("/v1/organizations/{acme}"), body).await.status, 200);
    has(&vera.get("/organization").await, 200, &["30,000", "0 % of the quota", "plan <code>free</code>"]);
    let moved = ada.go("/organization/time-zone", &[("time_zone", "Europe/Berlin")]).await;
    has(&moved, 200, &["The time zone was changed.", "14 Feb 2026, 13:00 (Europe/Berlin)"]);
    has(&ada.post("/organization/time-zone", &[("time_zone", "Berlin!")]).await, 422, &["time_zone-problem"]);
    for (spent, in_doubt, words) in [
        (14_999, 0, None),
        (15_000, 0, Some("More than half of the quota is used: 15,000 of 30,000 tokens.")),
        (23_000, 1_000, Some("More than 80 % of the quota are used: 24,000 of 30,000 tokens.")),
        (30_000, 0, Some("The quota is used up: 30,000 of 30,000 tokens.")),
    ] {
        spend(&stack, &acme, spent, in_doubt).await;
        for path in ["/", "/keys", "/organization", "/settings", "/nowhere"] {
            let page = vera.get(path).await.text();
            assert_eq!(page.contains("data-test=\"quota-banner\""), words.is_some(), "{spent} {path}");
            assert!(words.is_none_or(|words| page.contains(words)), "{spent} {path}: {page}");
        }
        let card = vera.get("/organization").await.text();
        assert_eq!(card.contains("In doubt: 1,000 tokens"), in_doubt > 0, "{card}");
    }
    has(&vera.get("/").await, 200, &["Ask the operator for a top-up", "14 Feb 2026, 13:00 (Europe/Berlin)"]);
    let owner = stack.browser(&stack.default_organization().await, "owner").await;
    assert!(!owner.get("/").await.text().contains("quota-banner"), "it is somebody else's");
}
