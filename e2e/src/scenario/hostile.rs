//! `hostile`: requests that break filters, each on a connection of its own, then a good one on every worker.
//!
//! Invariant: whatever bytes come, there is an answer below 500, and the next client notices nothing.

use serde_json::json;

use crate::control::Key;
use crate::http::{self, Connection, Request, Response};
use crate::report::Report;
use crate::stack::{Setup, Stack};
use crate::workers;

const WORKERS: u32 = 2;
const PATH: &str = "/api/v1/skills";

/// A hostile request and the statuses that are right for it.
struct Attack {
    name: String,
    bytes: Vec<u8>,
    statuses: &'static [u16],
}

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let stack = Stack::start(Setup::preset("systemprompt")?.workers(WORKERS)).await?;
    let control = stack.control()?;
    let scoped = |name: &str| json!({ "name": name, "environment": "production", "scopes": ["skills:read"] });
    let good = control.create(&scoped("good")).await?;
    let mut bound = scoped("bound");
    bound["restrictions"] = json!({ "ip": { "allow": ["192.0.2.0/24"] } });
    let bound = control.create(&bound).await?;
    let mut shop = scoped("shop");
    shop["restrictions"] = json!({ "referrer": { "allow": ["https://*.shop.example/*"] } });
    let shop = control.create(&shop).await?;
    stack.settle(&control).await?;
    let mut probes = workers::one_each(stack.edge(), stack.admin(), WORKERS).await?;
    let attacks = attacks(&good, &bound, &shop);
    for attack in &attacks {
        let answer = Connection::open(stack.edge()).await?.exchange(&attack.bytes, false).await;
        match answer {
            Ok(answer) => {
                let known = attack.statuses.contains(&answer.status);
                report.check(format!("{}: {}", attack.name, answer.gist()), known);
                report.quiet(&attack.name, upstream_view(&answer));
            }
            Err(error) => report.check(format!("{}: no answer: {error:#}", attack.name), false),
        }
        for (worker, probe) in probes.iter_mut().enumerate() {
            let after = probe.send(&get(&good)).await.map(|it| it.status).unwrap_or(0);
            let difference = if after == 200 { Ok(()) } else { Err(format!("answers {after}")) };
            report.quiet(format!("after {}: worker {worker}", attack.name), difference);
        }
    }
    report.figure("attacks", attacks.len());
    let stats = http::once(stack.admin(), &Request::get("/stats?filter=vm_reload")).await?;
    let stats = String::from_utf8_lossy(&stats.body).into_owned();
    report.check("Envoy counts reloads of VMs", stats.lines().count() > 0);
    report.check("no VM was lost", stats.lines().all(|line| line.ends_with(": 0")));
    identity(&stack, &good, report).await
}

/// A header with the edge's own name in bytes that are no text is taken away like any other.
async fn identity(stack: &Stack, good: &Key, report: &mut Report) -> anyhow::Result<()> {
    for value in [b"\xff".as_slice(), b"org_spoofed\xfe"] {
        let echo = stack.ask(&get(good).header("x-portcullis-org", value)).await?.json();
        let headers = echo["headers"].as_array().cloned().unwrap_or_default();
        let seen: Vec<_> = headers.iter().filter(|it| it[0] == "x-portcullis-org").map(|it| it[1].clone()).collect();
        let expected = vec![good.record["organization"].clone()];
        report.equal("the upstream sees one x-portcullis-org", json!(seen), json!(expected));
    }
    Ok(())
}

/// What reached the upstream holds no identity but the edge's, no other method or path, and no path that could mean two things.
fn upstream_view(answer: &Response) -> Result<(), &'static str> {
    let echo = answer.json();
    let path = echo["path"].as_str().unwrap_or_default();
    match () {
        () if echo.to_string().contains("spoofed") => Err("the upstream sees a spoofed header"),
        () if path.contains("..") || path.contains(';') => Err("the upstream sees an ambiguous path"),
        () => Ok(()),
    }
}

fn attacks(good: &Key, bound: &Key, shop: &Key) -> Vec<Attack> {
    let mut attacks = credentials(good);
    attacks.extend(paths(good));
    attacks.extend(headers(good, bound, shop));
    attacks
}

fn attack(name: &str, request: &Request, statuses: &'static [u16]) -> Attack {
    Attack { name: name.to_owned(), bytes: request.bytes(), statuses }
}

fn credentials(good: &Key) -> Vec<Attack> {
    let with = |value: &[u8]| Request::get(PATH).header("authorization", value);
    let key = &good.text;
    vec![
        attack("non-UTF-8 credential", &with(b"Bearer sp_live_\xff\xfe\x80"), &[401]),
        attack("non-UTF-8 behind a good key", &with(&[b"Bearer ", key.as_bytes(), b"\xff"].concat()), &[401]),
        attack("two authorization headers", &get(good).bearer(key), &[401]),
        attack("two different ones", &get(good).bearer("sp_live_x"), &[401]),
        attack("no authorization header", &Request::get(PATH), &[401]),
        attack("an empty one", &with(b""), &[401]),
        attack("only a scheme", &with(b"Bearer"), &[401]),
        attack("two spaces and junk", &with(b"Bearer  x"), &[401]),
        attack("two spaces and a good key", &with(format!("Bearer  {key}").as_bytes()), &[200]),
        attack("a tab for a space", &with(format!("bearer\t{key}").as_bytes()), &[401]),
        attack("a lower-case scheme", &with(format!("bearer {key}").as_bytes()), &[200]),
        attack("another scheme", &with(b"Basic c3A6bGl2ZQ=="), &[401]),
        attack("a comma", &with(format!("Bearer {key},Bearer {key}").as_bytes()), &[401]),
        attack("a credential of 60 KiB", &with(&[b"Bearer ".as_slice(), &[b'a'; 60 * 1024]].concat()), &[401]),
    ]
}

fn paths(good: &Key) -> Vec<Attack> {
    let at = |target: &[u8]| Request::new("GET", target).bearer(&good.text);
    let bad: [(&str, &[u8]); 13] = [
        ("non-UTF-8 path", b"/api/v1/skills/\xff\xfe"),
        ("%zz", b"/api/v1/skills/%zz"),
        ("%2f", b"/api/v1/skills%2f1"),
        ("%5c", b"/api/v1/skills%5c1"),
        ("//", b"/api/v1//skills"),
        ("a parameter", b"/api/v1/skills;x=1"),
        ("a NUL", b"/api/v1/skills/\x00"),
        ("%00", b"/api/v1/skills/%00"),
        ("a path of 60 KiB, too long to be any", &[b'%'; 60 * 1024]),
        ("a doubly encoded slash", b"/api/v1/skills%252f1"),
        ("a fragment", b"/api/v1/skills#/../healthz"),
        ("a parent segment with a space", b"/api/v1/skills/..%20/agents"),
        ("escapes that are not UTF-8", b"/api/v1/skills/%f8%80%80%80%af"),
    ];
    let mut attacks: Vec<Attack> = bad.iter().map(|(name, target)| attack(name, &at(target), &[400])).collect();
    let method = |method: &str, target: &str| Request::new(method, target);
    attacks.extend([
        // Envoy resolves it, for the filter and the upstream alike.
        attack("/..;/", &at(b"/api/v1/x/..;/skills"), &[200, 400]),
        attack("/..;x/", &at(b"/api/v1/x/..;x/skills"), &[200, 400]),
        attack("a path that climbs out", &at(b"/healthz/../api/v1/agents"), &[400, 403]),
        attack("CONNECT", &method("CONNECT", "edge.test:443"), &[401]),
        attack("CONNECT with a good key", &method("CONNECT", "edge.test:443").bearer(&good.text), &[403]),
        // Envoy knows no route for `*` and says so before the filter is asked.
        attack("OPTIONS *", &method("OPTIONS", "*"), &[404]),
        attack("OPTIONS * with a good key", &method("OPTIONS", "*").bearer(&good.text), &[404]),
        attack("a method nobody knows", &method("BREW", PATH).bearer(&good.text), &[400, 403]),
    ]);
    attacks
}

fn headers(good: &Key, bound: &Key, shop: &Key) -> Vec<Attack> {
    let spoofed = |request: Request| {
        let names = ["x-portcullis-key-id", "X-Portcullis-Org", "x-portcullis-environment", "x-portcullis-scopes"];
        let twice = names.iter().chain(&names);
        twice
            .fold(request, |request, name| request.header(name, "spoofed"))
            .header("x_portcullis_org", "spoofed")
            .header("x.portcullis.org", "spoofed")
    };
    vec![
        attack("non-UTF-8 custom header", &get(good).header("x-custom", b"\xff\xfe\x80"), &[200]),
        attack("non-UTF-8 referer", &get(good).header("referer", b"https://\xff.example/"), &[200]),
        attack(
            "non-UTF-8 referer, key with pages",
            &get(shop).header("referer", b"https://\xff.shop.example/"),
            &[403],
        ),
        attack("two referers, key with pages", &two_referers(shop), &[403]),
        attack("non-UTF-8 identity header", &get(good).header("x-portcullis-org", b"\xff"), &[200]),
        attack("a header of 60 KiB", &get(good).header("x-custom", [b'a'; 60 * 1024]), &[200]),
        attack("spoofed identity, allowed", &spoofed(get(good)), &[200]),
        attack("spoofed identity, denied", &spoofed(Request::get(PATH)), &[401]),
        attack("spoofed identity, public route", &spoofed(Request::get("/healthz")), &[200]),
        attack("another method and path in headers", &overriding(get(good)), &[200]),
        attack("the same on a public route", &overriding(Request::get("/healthz")), &[200]),
        attack("spoofed X-Forwarded-For", &get(bound).header("x-forwarded-for", "192.0.2.1"), &[403]),
        attack("X-Forwarded-For that is none", &get(bound).header("x-forwarded-for", b"\xff, ::1, 192.0.2.1"), &[403]),
        attack("spoofed X-Envoy-External-Address", &get(bound).header("x-envoy-external-address", "192.0.2.1"), &[403]),
    ]
}

/// With headers that some frameworks obey in place of the request line.
fn overriding(request: Request) -> Request {
    const NAMES: [&str; 6] = [
        "x-http-method-override",
        "X-HTTP-Method",
        "x-method-override",
        "x-original-url",
        "X-Rewrite-URL",
        "x_http_method_override",
    ];
    NAMES.iter().fold(request, |request, name| request.header(name, "spoofed"))
}

fn two_referers(shop: &Key) -> Request {
    get(shop).header("referer", "https://www.shop.example/").header("referer", "https://evil.example/")
}

fn get(key: &Key) -> Request {
    Request::get(PATH).bearer(&key.text)
}
