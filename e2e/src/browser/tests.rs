//! The browser on a small page of our own: what the dashboard's walk relies on holds.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::ports::local;

const PAGE: &str = r#"<!doctype html><html lang="en"><head><title>Test page</title><style>
  body { background: white; color: black } @media (prefers-color-scheme: dark) { body { background: black; color: white } }
</style></head><body><main><h1>Reader's page</h1>
<form action="/next"><label for="name">Name</label><input id="name" name="name" value="old">
<label>Colour <select name="colour"><option>red</option><option>blue</option></select></label>
<button data-test="go">Go on</button></form>
<p data-test="scripts">off</p><p hidden data-test="hidden">hidden</p>
<button type="button" onclick="navigator.clipboard.writeText('copied text')">Copy</button>
<div style="height: 2000px">tall</div></main>
<script>document.querySelector('[data-test=scripts]').textContent = 'on';
setTimeout(() => { const late = document.createElement('p'); late.textContent = 'late text'; document.body.firstChild.append(late) }, 300)</script>
</body></html>"#;

const BAD_PAGE: &str = r#"<!doctype html><html lang="en"><head><title>Bad</title></head><body><main><h1>Bad</h1>
<p style="color: #bbb; background: #fff">pale</p><input name="nameless"><div style="width: 3000px" class="wide">wide</div>
</main></body></html>"#;

struct Site {
    address: String,
    task: JoinHandle<()>,
}

impl Site {
    async fn start() -> Self {
        let listener = TcpListener::bind(local(0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let next = || async { Html("<!doctype html><html lang=en><title>Next</title><p>arrived") };
        let app = Router::new()
            .route("/", get(|| async { Html(PAGE) }))
            .route("/bad", get(|| async { Html(BAD_PAGE) }))
            .route("/next", get(next));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, task }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_read_used_and_looked_at() {
    let site = Site::start().await;
    let browser = Browser::start(Scripts::On).await.unwrap();
    browser.goto(&site.address).await.unwrap();
    assert_eq!(browser.text(By::Text("Reader's")).await.unwrap(), "Reader's page");
    assert_eq!(browser.text(By::Test("scripts")).await.unwrap(), "on");
    assert_eq!(browser.text(By::Text("late text")).await.unwrap(), "late text");
    assert!(!browser.is_shown(By::Test("hidden")).await.unwrap());
    browser.click(By::Button("Copy")).await.unwrap();
    assert_eq!(browser.clipboard().await.unwrap(), "copied text");

    let found = browser.accessibility().await.unwrap();
    assert_eq!(found.violations, Vec::<String>::new());
    assert!(found.passes > 0);
    let background = "return getComputedStyle(document.body).backgroundColor";
    for (scheme, colour) in [(Scheme::Dark, "rgb(0, 0, 0)"), (Scheme::Light, "rgb(255, 255, 255)")] {
        browser.look(Size::PHONE, scheme).await.unwrap();
        assert_eq!(browser.run(background, Vec::new()).await.unwrap(), colour, "{scheme:?}");
    }
    assert_eq!(browser.run("return innerWidth", Vec::new()).await.unwrap(), 390);
    browser.picture("browser-test-390").await.unwrap();
    let picture = std::fs::read(tools::root().unwrap().join("target/screens/browser-test-390.png")).unwrap();
    let side = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
    assert!(side(16) == 390 && side(20) > 2000, "{} x {}", side(16), side(20));

    browser.fill(By::Label("Name"), "it's new").await.unwrap();
    assert_eq!(browser.value(By::Label("Name")).await.unwrap(), "it's new");
    browser.fill(By::Css("select"), "blue").await.unwrap();
    browser.click(By::Test("go")).await.unwrap();
    browser.wait_at("/next").await.unwrap();
    assert_eq!(browser.location().await.unwrap(), "/next?name=it%27s+new&colour=blue");
    browser.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_page_is_found_out() {
    let site = Site::start().await;
    let browser = Browser::start(Scripts::On).await.unwrap();
    browser.look(Size::DESK, Scheme::Light).await.unwrap();
    browser.goto(&format!("{}/bad", site.address)).await.unwrap();
    let violations = browser.accessibility().await.unwrap().violations;
    for rule in ["color-contrast (serious) at [\"p\"]", "label (critical)"] {
        assert!(violations.iter().any(|line| line.starts_with(rule)), "{rule}: {violations:?}");
    }
    assert_eq!(browser.overflow().await.unwrap(), ["div.wide"]);
    browser.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_a_page_runs_none_and_we_still_see_it() {
    let site = Site::start().await;
    let browser = Browser::start(Scripts::Off).await.unwrap();
    browser.goto(&site.address).await.unwrap();
    assert_eq!(browser.text(By::Test("scripts")).await.unwrap(), "off");
    browser.fill(By::Label("Name"), "new").await.unwrap();
    browser.click(By::Button("Go on")).await.unwrap();
    browser.wait_at("/next?name=new").await.unwrap();
    let (pid, folder) = (browser.pid, browser._profile.path().to_owned());
    drop(browser);
    assert!(test_kill_process(pid).is_err(), "the browser still runs");
    assert!(!folder.exists(), "{}", folder.display());
}
