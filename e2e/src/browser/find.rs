//! Finding what is on a page as a reader finds it, and using it.
//!
//! Only what is displayed is found. Invariant: what does not appear in time is an error that says where we were and what
//! the page said instead.

use fantoccini::Locator;
use fantoccini::elements::Element;

use super::{Browser, SOON};
use crate::wait;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum By<'a> {
    /// An element's `data-test`.
    Test(&'a str),
    /// A field's label.
    Label(&'a str),
    /// A button's text.
    Button(&'a str),
    /// A link's text.
    Link(&'a str),
    /// Text somewhere.
    Text(&'a str),
    /// A CSS selector.
    Css(&'a str),
}

impl By<'_> {
    /// As XPath; a CSS selector has none.
    fn xpath(self) -> Option<String> {
        Some(match self {
            Self::Css(_) => return None,
            Self::Test(name) => format!("//*[@data-test={}]", literal(name)),
            Self::Label(text) => {
                let text = literal(text);
                let label = format!("//label[normalize-space(.)={text}]");
                let field = "[self::input or self::select or self::textarea]";
                format!("//*[@id={label}/@for] | {label}//*{field} | //*[@aria-label={text}]{field}")
            }
            Self::Button(text) => {
                let text = literal(text);
                let named = format!("[normalize-space(.)={text} or @aria-label={text}]");
                format!("//button{named} | //*[@role='button']{named} | //summary{named}")
            }
            Self::Link(text) => format!("//a[normalize-space(.)={text} or @aria-label={text}]", text = literal(text)),
            // The innermost of those that hold it.
            Self::Text(text) => {
                let holds = format!("contains(normalize-space(.), {})", literal(text));
                format!("//body//*[{holds}][not(.//*[{holds}])]")
            }
        })
    }
}

impl Browser {
    /// The first that is displayed, as soon as there is one.
    pub(crate) async fn find(&self, by: By<'_>) -> anyhow::Result<Element> {
        let found =
            wait::until(&format!("{by:?}"), SOON, async || Ok(self.displayed(by).await?.into_iter().next())).await;
        match found {
            Ok(element) => Ok(element),
            Err(error) => Err(error.context(self.where_we_are().await)),
        }
    }

    /// Those that are displayed now.
    pub(crate) async fn displayed(&self, by: By<'_>) -> anyhow::Result<Vec<Element>> {
        let xpath = by.xpath();
        let locator = match (by, &xpath) {
            (By::Css(selector), _) => Locator::Css(selector),
            (_, Some(xpath)) => Locator::XPath(xpath),
            (_, None) => return Ok(Vec::new()),
        };
        let mut displayed = Vec::new();
        for element in self.client.find_all(locator).await? {
            // The page may have moved on meanwhile: then it is not displayed.
            if element.is_displayed().await.unwrap_or(false) {
                displayed.push(element);
            }
        }
        Ok(displayed)
    }

    pub(crate) async fn is_shown(&self, by: By<'_>) -> anyhow::Result<bool> {
        Ok(!self.displayed(by).await?.is_empty())
    }

    /// Clicks; a page that this loads is loaded afterwards.
    pub(crate) async fn click(&self, by: By<'_>) -> anyhow::Result<()> {
        let element = self.find(by).await?;
        if let Err(error) = element.click().await {
            return Err(anyhow::Error::new(error).context(format!("click {by:?}")).context(self.where_we_are().await));
        }
        Ok(())
    }

    /// Types into a field, in place of what it holds, or picks from a list by what it shows.
    pub(crate) async fn fill(&self, by: By<'_>, text: &str) -> anyhow::Result<()> {
        let field = self.find(by).await?;
        if field.tag_name().await? == "select" {
            return Ok(field.select_by_label(text).await?);
        }
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// What an element says.
    pub(crate) async fn text(&self, by: By<'_>) -> anyhow::Result<String> {
        Ok(self.find(by).await?.text().await?)
    }

    /// What a field holds.
    pub(crate) async fn value(&self, by: By<'_>) -> anyhow::Result<String> {
        Ok(self.find(by).await?.prop("value").await?.unwrap_or_default())
    }

    /// Waits until the page is at a path that begins like this.
    pub(crate) async fn wait_at(&self, path: &str) -> anyhow::Result<()> {
        let arrived = async || Ok(self.location().await?.starts_with(path).then_some(()));
        match wait::until(&format!("the page {path}"), SOON, arrived).await {
            Ok(()) => Ok(()),
            Err(error) => Err(error.context(self.where_we_are().await)),
        }
    }

    async fn where_we_are(&self) -> String {
        let location = self.location().await.unwrap_or_default();
        let text = self.page_text().await.unwrap_or_default();
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect();
        format!("at {location}, which says: {text}")
    }
}

/// Text in XPath, which knows no escapes.
fn literal(text: &str) -> String {
    if !text.contains('\'') {
        return format!("'{text}'");
    }
    let parts: Vec<String> = text.split('\'').map(|part| format!("'{part}'")).collect();
    format!("concat({})", parts.join(r#", "'", "#))
}
