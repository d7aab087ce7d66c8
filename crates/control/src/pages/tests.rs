//! What holds on every page, whatever is on it.

use std::collections::BTreeSet;

use super::samples::{self, HOSTILE};

/// Elements without an end tag.
const VOID: [&str; 4] = ["input", "link", "meta", "br"];
/// Drawing elements close themselves.
const DRAWING: [&str; 4] = ["path", "rect", "circle", "use"];

/// A start or end tag: its name, its attributes, where it stands.
struct Tag<'a> {
    name: &'a str,
    text: &'a str,
    end: bool,
}

impl Tag<'_> {
    fn attribute(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.text.split_once(&format!(" {name}=\""))?;
        rest.split('"').next()
    }

    fn has(&self, name: &str) -> bool {
        self.text
            .split_whitespace()
            .any(|word| word.trim_end_matches('/') == name || word.starts_with(&format!("{name}=")))
    }
}

/// The tags in order. Text and attribute values are escaped, so every `<` and `>` is markup.
fn tags(html: &str) -> Vec<Tag<'_>> {
    let inner = html.split('<').skip(1).filter_map(|rest| rest.split('>').next());
    inner
        .filter(|text| !text.starts_with('!'))
        .map(|text| {
            let end = text.starts_with('/');
            let name = text.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap();
            Tag { name, text, end }
        })
        .collect()
}

fn check(rule: impl Fn(&str, &str) -> Vec<String>) {
    let pages = samples::all();
    let wrong: Vec<_> = pages
        .iter()
        .flat_map(|(name, html)| rule(name, html).into_iter().map(move |what| format!("{name}: {what}")))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_element_is_closed_in_its_order() {
    check(|_, html| {
        let (mut open, mut wrong) = (Vec::new(), Vec::new());
        for tag in tags(html).iter().filter(|tag| !VOID.contains(&tag.name) && !DRAWING.contains(&tag.name)) {
            match tag.end {
                false => open.push(tag.name),
                true if open.last() == Some(&tag.name) => drop(open.pop()),
                true => wrong.push(format!("</{}> closes {:?}", tag.name, open.last())),
            }
        }
        wrong.extend(open.iter().map(|name| format!("<{name}> is never closed")));
        wrong.truncate(1);
        wrong
    });
}

#[test]
fn nothing_needs_a_looser_content_security_policy() {
    check(|_, html| {
        let tags = tags(html);
        let inline = tags.iter().filter(|tag| {
            tag.has("style")
                || tag.text.contains(" on") && tag.text.split_whitespace().any(|word| word.starts_with("on"))
        });
        let code = tags
            .iter()
            .filter(|tag| !tag.end && (tag.name == "style" || tag.name == "script" && tag.attribute("src").is_none()));
        let away = tags.iter().filter(|tag| {
            ["href", "src", "action"]
                .iter()
                .filter_map(|name| tag.attribute(name))
                .any(|to| !to.starts_with('/') && !to.starts_with('#') || to.starts_with("//"))
        });
        inline.chain(code).chain(away).map(|tag| format!("<{}>", tag.text)).collect()
    });
}

#[test]
fn every_field_has_a_label() {
    check(|_, html| {
        let tags = tags(html);
        let named: BTreeSet<_> =
            tags.iter().filter(|tag| tag.name == "label").filter_map(|tag| tag.attribute("for")).collect();
        let mut in_label = false;
        let mut wrong = Vec::new();
        for tag in &tags {
            if tag.name == "label" {
                in_label = !tag.end;
            }
            let field = !tag.end && ["input", "select", "textarea"].contains(&tag.name);
            let silent = tag.attribute("type") == Some("hidden")
                || tag.has("hidden")
                || tag.attribute("aria-hidden") == Some("true");
            let labelled = in_label || tag.attribute("id").is_some_and(|id| named.contains(id));
            if field && !silent && !labelled {
                wrong.push(format!("<{}>", tag.text));
            }
        }
        wrong
    });
}

#[test]
fn every_form_that_changes_something_carries_the_token() {
    check(|_, html| {
        let forms = html.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap());
        let bad = forms.filter(|form| {
            form.contains(r#" method="post""#)
                != form.contains(r#"<input type="hidden" name="csrf" value="csrf-token">"#)
        });
        bad.map(|form| format!("<form{}", form.lines().next().unwrap())).collect()
    });
}

#[test]
fn ids_are_unique_and_references_lead_somewhere() {
    check(|_, html| {
        let tags = tags(html);
        let ids: Vec<_> = tags.iter().filter_map(|tag| tag.attribute("id")).collect();
        let known: BTreeSet<_> = ids.iter().copied().collect();
        let mut wrong: Vec<_> = known
            .iter()
            .filter(|id| ids.iter().filter(|other| other == id).count() > 1)
            .map(|id| format!("two `{id}`"))
            .collect();
        for name in ["for", "list", "aria-labelledby", "aria-describedby", "data-copy"] {
            let lost = tags
                .iter()
                .filter_map(|tag| tag.attribute(name))
                .flat_map(str::split_whitespace)
                .filter(|id| !known.contains(id));
            wrong.extend(lost.map(|id| format!("{name} leads to no `{id}`")));
        }
        let anchors = tags.iter().filter_map(|tag| tag.attribute("href")).filter_map(|href| href.strip_prefix('#'));
        wrong.extend(anchors.filter(|id| !known.contains(id)).map(|id| format!("no `#{id}`")));
        wrong
    });
}

#[test]
fn text_is_escaped() {
    let hostile = samples::all().iter().filter(|(_, html)| html.contains("alert(")).count();
    assert!(hostile > 20, "only {hostile} pages show the hostile name");
    check(|_, html| {
        if html.contains(HOSTILE) || html.contains("<script>") {
            vec!["hostile text stands as markup".to_owned()]
        } else {
            vec![]
        }
    });
}

#[test]
fn a_secret_is_in_no_address() {
    check(|_, html| {
        let addresses = tags(html).into_iter().filter(|tag| {
            ["href", "action", "src"].iter().any(|name| tag.attribute(name).is_some_and(|to| to.contains("SAMPLE")))
        });
        addresses.map(|tag| tag.text.to_owned()).collect()
    });
}

#[test]
fn whole_pages_have_one_heading_landmarks_and_a_title() {
    check(|name, html| {
        if name == "receipt-fragment" {
            return vec![];
        }
        let wanted = [("<h1", 1), ("<main ", 1), ("<title>", 1), ("<html lang=\"en-GB\">", 1), ("class=\"skip\"", 1)];
        wanted
            .iter()
            .filter(|(text, count)| html.matches(text).count() != *count)
            .map(|(text, _)| format!("not exactly one {text}"))
            .collect()
    });
}

/// To look at them: `PORTCULLIS_PAGES=folder cargo test -p portcullis-control pages`.
#[test]
fn pages_can_be_written_to_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let chosen = std::env::var_os("PORTCULLIS_PAGES").map_or_else(|| folder.path().to_path_buf(), Into::into);
    let assets = chosen.join("assets");
    std::fs::create_dir_all(&assets).unwrap();
    for name in ["portcullis.css", "portcullis.js", "seal.js", "nacl.js", "blake2b.js", "favicon.svg", "teeth.svg"] {
        std::fs::write(assets.join(name), super::assets::find(name).unwrap().body).unwrap();
    }
    for (name, html) in samples::all() {
        std::fs::write(chosen.join(format!("{name}.html")), html).unwrap();
    }
    assert!(chosen.join("key.html").exists());
}
