//! How a page looks: the size of the screen, light or dark, and a picture of all of it.
//!
//! Nothing moves: pages are asked for reduced motion, so that a picture is the same every time.

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::Browser;
use crate::tools;

/// A screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// What the reader prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

impl Size {
    pub(crate) const PHONE: Self = Self { width: 390, height: 844 };
    pub(crate) const DESK: Self = Self { width: 1440, height: 900 };
}

impl Scheme {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl Browser {
    /// From now on pages are shown like this.
    pub(crate) async fn look(&self, size: Size, scheme: Scheme) -> anyhow::Result<()> {
        let Size { width, height } = size;
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await?;
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme.name() },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await?;
        Ok(())
    }

    /// A picture of the whole page, below the screen's edge too: target/screens/NAME.png.
    pub(crate) async fn picture(&self, name: &str) -> anyhow::Result<()> {
        let page = self.devtools("Page.getLayoutMetrics", json!({})).await?;
        let content = &page["cssContentSize"];
        let clip = json!({ "x": 0, "y": 0, "width": content["width"], "height": content["height"], "scale": 1 });
        let wanted = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let picture = self.devtools("Page.captureScreenshot", wanted).await?;
        let bytes = BASE64_STANDARD.decode(picture["data"].as_str().context("no picture")?)?;
        let folder = tools::root()?.join("target/screens");
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join(format!("{name}.png")), bytes)?)
    }

    /// What is wider than the screen, which makes a page scroll sideways: as a rule nothing.
    pub(crate) async fn overflow(&self) -> anyhow::Result<Vec<String>> {
        let wide = "const edge = document.documentElement.clientWidth + 1;
            if (document.documentElement.scrollWidth <= edge) return [];
            return [...document.body.querySelectorAll('*')].filter(it => it.getBoundingClientRect().right > edge)
                .map(it => it.tagName.toLowerCase() + (it.className ? '.' + it.className : '')).slice(0, 5)";
        let found = self.run(wide, Vec::new()).await?;
        Ok(found.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
    }
}
