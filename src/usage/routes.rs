//! The rules that requests were counted under, by their text: a rule's index means another rule after the next policy.
//!
//! Invariant: an id names the same text until the list is emptied, which happens only while nothing is counted.

use portcullis_engine::Policy;

/// A rule's text, as a number. The default is no rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteId(u16);

/// Texts beyond this are not told apart.
const MOST: usize = 16 << 10;
/// Texts beyond this are forgotten as soon as none is in use.
const KEEP: usize = 1 << 10;

impl RouteId {
    /// The id of that number.
    pub const fn from_number(number: u16) -> Self {
        Self(number)
    }

    /// The number itself; 0 is no rule.
    pub const fn number(self) -> u16 {
        self.0
    }
}

/// Texts of rules.
#[derive(Debug, Default)]
pub struct Routes {
    texts: Vec<Box<str>>,
    /// The id of each rule of the policy at hand, as far as it was asked for.
    of_rules: Vec<Option<RouteId>>,
}

impl Routes {
    /// The id of a rule of the policy at hand.
    pub fn of(&mut self, policy: &Policy, rule: Option<usize>) -> RouteId {
        let Some(rule) = rule else { return RouteId::default() };
        match self.of_rules.get(rule) {
            Some(Some(id)) => *id,
            _ => self.learn(policy, rule),
        }
    }

    #[cold]
    fn learn(&mut self, policy: &Policy, rule: usize) -> RouteId {
        let id = policy.rules().get(rule).map_or(RouteId::default(), |it| self.intern(&it.to_string()));
        if self.of_rules.len() <= rule {
            self.of_rules.resize(policy.rules().len().max(rule + 1), None);
        }
        if let Some(known) = self.of_rules.get_mut(rule) {
            *known = Some(id);
        }
        id
    }

    /// Another policy may be at hand.
    pub fn forget_rules(&mut self) {
        self.of_rules.clear();
    }

    /// No id is in use.
    pub fn none_in_use(&mut self) {
        if self.texts.len() > KEEP {
            *self = Self::default();
        }
    }

    /// The id of a text.
    #[inline(never)]
    pub fn intern(&mut self, text: &str) -> RouteId {
        let position = self.texts.iter().position(|known| &**known == text).or_else(|| {
            let room = self.texts.len() < MOST;
            room.then(|| self.texts.push(text.into()))?;
            self.texts.len().checked_sub(1)
        });
        position.and_then(|it| u16::try_from(it + 1).ok()).map_or(RouteId::default(), RouteId)
    }

    /// The text of an id.
    pub fn text(&self, id: RouteId) -> Option<&str> {
        self.texts.get(usize::from(id.0).checked_sub(1)?).map(|text| &**text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_one_id_and_what_is_too_many_has_none() {
        let mut routes = Routes::default();
        let (first, second) = (routes.intern("GET /a"), routes.intern("GET /b"));
        assert_eq!((routes.intern("GET /a"), routes.text(second)), (first, Some("GET /b")));
        assert_eq!(routes.text(RouteId::default()), None);
        for number in 0..MOST {
            routes.intern(&format!("GET /{number}"));
        }
        assert_eq!(routes.intern("GET /one/more"), RouteId::default());
        routes.none_in_use();
        assert_eq!(routes.text(first), None);
    }
}
