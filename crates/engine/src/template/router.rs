//! Finds a request's rule: a trie of templates.
//!
//! The most specific template wins, segment by segment from the left: a literal beats a parameter, a parameter beats
//! `/**`. On one shape, a rule that lists the method beats one for every method. A shape without a rule for the method
//! gives way to the next. Invariant: the order of the rules never matters; where it would, building fails.
//!
//! A segment that is no literal may still be one in the eyes of an upstream that is less exact (`Users`, `users.json`).
//! It matches as it is spelt; what rules the other readings have is told beside the answer, to be judged elsewhere.
//!
//! A look-up visits each node of the trie at most once, other readings included, so it cannot explode: a node is
//! entered from its parent alone, and no parent enters a child twice. Where a segment is no literal of its node, that
//! node's literals are looked through, one short comparison each; where it is one, nothing is.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use super::literals::Literals;
use super::variant::is_variant;
use super::{MethodSet, Part, Template};
use crate::path::unescape;

/// Rules, by method and path.
#[derive(Clone, Debug, Default)]
pub struct Router {
    root: Node,
}

/// Two rules of one shape (parameter names apart) that share a method, so that neither is more specific.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rules {first} and {second} match the same requests; hint: remove one or give them different methods")]
pub struct Tie {
    /// Index of the earlier rule.
    pub first: usize,
    /// Index of the later rule.
    pub second: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    literals: Literals,
    parameter: Option<Box<Node>>,
    /// Rules whose template ends here.
    here: Leaf,
    /// Rules whose template goes on with `/**`.
    open: Leaf,
}

/// The rules of one shape; those that list methods come first.
#[derive(Clone, Debug, Default)]
struct Leaf(Vec<(MethodSet, usize)>);

impl Router {
    /// Builds a router; answers are indices into `rules`.
    pub fn build(rules: &[(MethodSet, Template)]) -> Result<Router, Tie> {
        let mut root = Node::default();
        for (index, (methods, template)) in rules.iter().enumerate() {
            let node = template.parts.iter().fold(&mut root, Node::child);
            let leaf = if template.open { &mut node.open } else { &mut node.here };
            leaf.insert(methods, index)?;
        }
        Ok(Router { root })
    }

    /// The rule for a request, if any.
    pub fn find<'a>(&self, method: &[u8], segments: impl Iterator<Item = &'a [u8]> + Clone) -> Option<usize> {
        self.find_each(method, segments, &mut |_| {})
    }

    /// The rule for a request, and to `others` the rules it would have if segments were read as literals that they are
    /// another spelling of.
    pub fn find_each<'a>(
        &self,
        method: &[u8],
        segments: impl Iterator<Item = &'a [u8]> + Clone,
        others: &mut impl FnMut(usize),
    ) -> Option<usize> {
        self.root.find(method, segments, others)
    }
}

impl Node {
    fn child(&mut self, part: &Part) -> &mut Node {
        match part {
            Part::Literal(literal) => self.literals.entry(literal),
            Part::Parameter => self.parameter.get_or_insert_default(),
        }
    }

    /// Recursion is as deep as the longest template, which [`Template::parse`] bounds.
    fn find<'a>(
        &self,
        method: &[u8],
        mut segments: impl Iterator<Item = &'a [u8]> + Clone,
        others: &mut impl FnMut(usize),
    ) -> Option<usize> {
        let Some(segment) = segments.next() else {
            return self.here.find(method).or_else(|| self.open.find(method));
        };
        self.literal(method, segment, &segments, others)
            .or_else(|| self.parameter.as_ref().filter(|_| !segment.is_empty())?.find(method, segments, others))
            .or_else(|| self.open.find(method))
    }

    /// The rule below the literal that the segment is; below those that it only might be, `others` are told.
    fn literal<'a>(
        &self,
        method: &[u8],
        segment: &[u8],
        segments: &(impl Iterator<Item = &'a [u8]> + Clone),
        others: &mut impl FnMut(usize),
    ) -> Option<usize> {
        if self.literals.is_empty() {
            return None;
        }
        if let Some(node) = self.literals.get(segment) {
            return node.find(method, segments.clone(), others);
        }
        let plain = unescape(segment);
        if let Cow::Owned(plain) = &plain
            && let Some(node) = self.literals.get(plain)
        {
            return node.find(method, segments.clone(), others);
        }
        // What is not UTF-8 is no canonical segment, and no spelling of anything.
        let plain = core::str::from_utf8(&plain).ok()?;
        for (_, node) in self.literals.iter().filter(|(text, _)| is_variant(plain, text)) {
            if let Some(other) = node.find(method, segments.clone(), others) {
                others(other);
            }
        }
        None
    }
}

impl Leaf {
    fn insert(&mut self, methods: &MethodSet, index: usize) -> Result<(), Tie> {
        let ties = |other: &MethodSet| other.is_any() == methods.is_any() && other.overlaps(methods);
        if let Some(&(_, first)) = self.0.iter().find(|(other, _)| ties(other)) {
            return Err(Tie { first, second: index });
        }
        let place = if methods.is_any() { self.0.len() } else { 0 };
        self.0.insert(place, (methods.clone(), index));
        Ok(())
    }

    fn find(&self, method: &[u8]) -> Option<usize> {
        self.0.iter().find(|(methods, _)| methods.contains(method)).map(|&(_, index)| index)
    }
}
