//! Which requests to try when two policies are compared: one for each rule of either, and one for each place where two
//! rules overlap.
//!
//! It decides nothing. Invariant: a request made of a template matches it, and no rule of either policy that is more
//! specific unless that rule matches everything the template does.

use std::collections::{BTreeMap, BTreeSet};

use portcullis_engine::PolicySpec;

/// Stands where a template takes any segment; no policy has a literal like it.
const ANY: &str = "portcullis-any";
/// No request has more.
const MAX_SEGMENTS: usize = 128;
/// Overlaps are looked for until there are so many shapes: what a policy of thousands of rules needs is bounded.
const MAX_SHAPES: usize = 4096;
/// Methods that are tried although no rule names them.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Everything to try.
pub(super) struct Probes {
    pub(super) methods: Vec<String>,
    pub(super) targets: Vec<Target>,
}

/// What a template stands for.
pub(super) struct Target {
    /// As the rule says it, or as it would.
    pub(super) label: String,
    /// A path that it matches.
    pub(super) path: String,
    /// For `/files/**`: the same without what is below.
    pub(super) top: Option<(String, String)>,
}

/// A template without its parameters' names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    parts: Vec<Option<String>>,
    open: bool,
}

/// What to try for two policies.
pub(super) fn all(old: &PolicySpec, new: &PolicySpec) -> Probes {
    let rules = || new.rules.iter().chain(&old.rules);
    let named: BTreeSet<&str> = rules().flat_map(|rule| rule.methods.iter().map(String::as_str)).collect();
    let others = named.into_iter().filter(|name| !METHODS.contains(name));
    let mut shapes = BTreeMap::new();
    for rule in rules() {
        shapes.entry(Shape::of(&rule.path)).or_insert_with(|| rule.path.clone());
    }
    // Whatever no rule is for.
    shapes.entry(Shape::of("/**")).or_insert_with(|| "/**".to_owned());
    overlap(&mut shapes);
    let depth = shapes.keys().map(|shape| shape.parts.len()).max().unwrap_or(0) + 1;
    let targets = shapes.into_iter().map(|(shape, label)| shape.target(label, depth.min(MAX_SEGMENTS))).collect();
    Probes { methods: METHODS.into_iter().chain(others).map(str::to_owned).collect(), targets }
}

/// Adds what two shapes both match, if it is neither of them.
fn overlap(shapes: &mut BTreeMap<Shape, String>) {
    let own: Vec<_> = shapes.keys().cloned().collect();
    for (index, one) in own.iter().enumerate() {
        for other in own.iter().skip(index + 1) {
            let Some(both) = one.meet(other) else { continue };
            if shapes.len() >= MAX_SHAPES {
                return;
            }
            let label = both.label();
            shapes.entry(both).or_insert(label);
        }
    }
}

impl Shape {
    fn of(template: &str) -> Self {
        let (path, open) = match template.strip_suffix("/**") {
            Some(path) => (path, true),
            None => (template, false),
        };
        let part = |segment: &str| (!segment.starts_with('{')).then(|| segment.to_owned());
        Self { parts: path.split('/').filter(|segment| !segment.is_empty()).map(part).collect(), open }
    }

    /// What both match.
    fn meet(&self, other: &Self) -> Option<Self> {
        let (short, long) = if self.parts.len() <= other.parts.len() { (self, other) } else { (other, self) };
        if short.parts.len() < long.parts.len() && !short.open {
            return None;
        }
        let mut parts = long.parts.clone();
        for (part, wanted) in parts.iter_mut().zip(&short.parts) {
            match (&part, wanted) {
                (Some(one), Some(other)) if one != other => return None,
                (None, Some(_)) => *part = wanted.clone(),
                _ => {}
            }
        }
        Some(Self { parts, open: self.open && other.open })
    }

    fn target(&self, label: String, depth: usize) -> Target {
        let mut segments: Vec<_> = self.parts.iter().map(|part| part.as_deref().unwrap_or(ANY)).collect();
        let top = path(&segments);
        if !self.open {
            return Target { label, path: top, top: None };
        }
        // Deeper than every template that ends, so that only those match that do not.
        segments.resize(depth.max(segments.len() + 1), ANY);
        let head = label.strip_suffix("/**").filter(|head| !head.is_empty()).unwrap_or("/").to_owned();
        Target { label, path: path(&segments), top: Some((head, top)) }
    }

    fn label(&self) -> String {
        let segments: Vec<_> = self.parts.iter().map(|part| part.as_deref().unwrap_or("{any}")).collect();
        match (self.open, segments.is_empty()) {
            (true, true) => "/**".to_owned(),
            (true, false) => format!("{}/**", path(&segments)),
            (false, _) => path(&segments),
        }
    }
}

fn path(segments: &[&str]) -> String {
    format!("/{}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_two_templates_overlap() {
        for (one, other, both) in [
            ("/v1/{a}/x", "/v1/users/**", Some("/v1/users/x")),
            ("/v1/{a}", "/v1/users", Some("/v1/users")),
            ("/v1/{a}/**", "/v1/users/**", Some("/v1/users/**")),
            ("/**", "/v1/{id}", Some("/v1/{any}")),
            ("/**", "/", Some("/")),
            ("/v1/x", "/v1/y", None),
            ("/v1/{a}", "/v1/{a}/x", None),
        ] {
            let (one, other) = (Shape::of(one), Shape::of(other));
            assert_eq!(one.meet(&other).map(|it| it.label()).as_deref(), both);
            assert_eq!(other.meet(&one).map(|it| it.label()).as_deref(), both);
        }
    }
}
