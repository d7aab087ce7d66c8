//! `dashboard`: the pages in a real Chromium, as a person sees them.
//!
//! From the owner's link that `serve` prints to the page of every kind of thing, each at the width of a phone and of a
//! desk, light and dark, with a picture in target/screens and axe-core's opinion. Invariant: no page scrolls sideways,
//! none has a violation, and each works without scripts.

use crate::browser::{Browser, By, Scheme, Scripts, Size};
use crate::report::Report;
use crate::stack::{Setup, Stack};

mod changes;
mod limits;
pub(super) mod look;
mod secrets;
mod walk;

/// What the owner types at the first visit.
const NAME: &str = "Olga Operator";
const EMAIL: &str = "olga@portcullis.example";
const ORGANIZATION: &str = "Portcullis";
const PASSWORD: &str = "correct horse battery staple";

/// Pages that are there from the beginning, and what the picture of each is called.
const PAGES: [(&str, &str); 18] = [
    ("/", "overview"),
    ("/keys", "keys"),
    ("/keys/new", "key-new"),
    ("/keys/import", "import"),
    ("/secrets", "secrets"),
    ("/secrets/new", "secret-new"),
    ("/skills", "skills"),
    ("/skills/new", "skill-new"),
    ("/skills/published", "skills-published"),
    ("/explain", "explain"),
    ("/organization", "organization"),
    ("/organizations", "organizations"),
    ("/webhooks", "webhooks"),
    ("/policy", "policy"),
    ("/policy/versions/1", "policy-version"),
    ("/edges", "edges"),
    ("/audit", "audit"),
    ("/settings", "settings"),
];

/// A browser on a stack's pages.
pub(super) struct Visit {
    pub(super) browser: Browser,
    pub(super) home: String,
}

pub(super) async fn run(report: &mut Report) -> anyhow::Result<()> {
    let stack = Stack::start(Setup::preset("systemprompt")?).await?;
    let home = format!("http://{}", stack.control()?.address);
    let visit = Visit { browser: Browser::start(Scripts::On).await?, home: home.clone() };
    welcome(&visit, &stack.owner_path()?, report).await?;
    walk::run(&visit, &stack, report).await?;
    changes::run(&visit, &stack, report).await?;
    limits::run(&visit, &stack, report).await?;
    secrets::run(&visit, &stack, report).await?;
    for (path, name) in PAGES {
        visit.goto(path).await?;
        look::at(&visit.browser, name, report).await?;
    }
    visit.browser.stop().await?;
    without_scripts(&home, report).await
}

impl Visit {
    pub(super) async fn goto(&self, path: &str) -> anyhow::Result<()> {
        self.browser.goto(&format!("{}{path}", self.home)).await
    }

    /// Creates a key that may read skills; its text. Its page is one click away.
    async fn create_key(&self, name: &str) -> anyhow::Result<String> {
        self.goto("/keys/new").await?;
        self.browser.fill(By::Test("name"), name).await?;
        self.browser.click(By::Test("environment-production")).await?;
        self.browser.click(By::Test("scope-skills:read")).await?;
        self.browser.click(By::Test("create")).await?;
        self.browser.text(By::Test("key-text")).await
    }

    /// Fills in what the owner's link leads to.
    pub(super) async fn become_owner(&self) -> anyhow::Result<()> {
        self.browser.fill(By::Label("Your name"), NAME).await?;
        self.browser.fill(By::Label("E-mail address"), EMAIL).await?;
        self.browser.fill(By::Label("Organisation"), ORGANIZATION).await?;
        self.browser.fill(By::Label("Password"), PASSWORD).await?;
        self.browser.click(By::Test("welcome")).await?;
        self.browser.find(By::Test("sign-out")).await?;
        Ok(())
    }

    async fn sign_in(&self) -> anyhow::Result<()> {
        self.goto("/sign-in").await?;
        self.fill_in_password().await?;
        self.browser.find(By::Test("sign-out")).await?;
        Ok(())
    }

    /// Signs in on the page that asks for it.
    pub(super) async fn fill_in_password(&self) -> anyhow::Result<()> {
        self.browser.fill(By::Label("E-mail address"), EMAIL).await?;
        self.browser.fill(By::Label("Password"), PASSWORD).await?;
        self.browser.click(By::Test("sign-in")).await
    }
}

/// The owner's link makes the owner, who is then asked for the password like anybody.
async fn welcome(visit: &Visit, link: &str, report: &mut Report) -> anyhow::Result<()> {
    let browser = &visit.browser;
    visit.goto(link).await?;
    look::at(browser, "welcome", report).await?;
    visit.become_owner().await?;
    report.check("the owner's link makes an owner", true);
    browser.click(By::Test("sign-out")).await?;
    browser.wait_at("/sign-in").await?;
    look::at(browser, "sign-in", report).await?;
    visit.goto("/keys").await?;
    report.check("signed out, a page asks to sign in", browser.location().await?.starts_with("/sign-in"));
    visit.sign_in().await?;
    report.check("the owner signs in", true);
    Ok(())
}

/// The same pages in a browser that runs no script.
async fn without_scripts(home: &str, report: &mut Report) -> anyhow::Result<()> {
    let visit = Visit { browser: Browser::start(Scripts::Off).await?, home: home.to_owned() };
    // On a narrow screen what ends the session is in a menu.
    visit.browser.look(Size::DESK, Scheme::Light).await?;
    visit.sign_in().await?;
    for (path, name) in PAGES {
        visit.goto(path).await?;
        let heading = visit.browser.is_shown(By::Css("h1")).await?;
        report.check(format!("{name} shows itself without scripts"), heading);
    }
    secrets::without_scripts(&visit, report).await?;
    visit.browser.stop().await
}
