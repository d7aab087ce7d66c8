//! Looking at a page: at every width and in both schemes, with a picture and axe-core each time.

use crate::browser::{Browser, Scheme, Size};
use crate::report::Report;

const LOOKS: [(Size, Scheme); 4] = [
    (Size::PHONE, Scheme::Light),
    (Size::PHONE, Scheme::Dark),
    (Size::DESK, Scheme::Dark),
    (Size::DESK, Scheme::Light),
];

/// Looks at the page that is shown; it stays as a desk in the light sees it.
pub(in crate::scenario) async fn at(browser: &Browser, name: &str, report: &mut Report) -> anyhow::Result<()> {
    for (size, scheme) in LOOKS {
        browser.look(size, scheme).await?;
        let dark = if scheme == Scheme::Dark { "-dark" } else { "" };
        let picture = format!("{name}{dark}-{}", size.width);
        browser.picture(&picture).await?;
        let found = browser.accessibility().await?;
        let nothing = if found.passes == 0 { Err("axe-core found nothing to look at".to_owned()) } else { Ok(()) };
        report.quiet(&picture, nothing);
        found.violations.iter().for_each(|line| report.check(format!("{picture}: {line}"), false));
        let wide = browser.overflow().await?;
        report.check(format!("{picture} fits the screen{}", listed(&wide)), wide.is_empty());
    }
    Ok(())
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { format!(", but for {}", names.join(", ")) }
}
