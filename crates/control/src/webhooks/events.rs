//! What a webhook can be told of.

use std::fmt;
use std::str::FromStr;

/// One kind of event. NEVER CHANGE a text: rows hold it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    /// A quota of the organisation, or of one of its keys, is used up so far.
    QuotaThreshold,
    /// The same, of every organisation: for the operator.
    EveryQuotaThreshold,
}

/// A set of kinds, which is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Events(Vec<Event>);

/// Text that names no kind of event, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such event")]
pub(crate) struct UnknownEvent;

impl Event {
    /// Every kind there is.
    pub(crate) const ALL: [Self; 2] = [Self::QuotaThreshold, Self::EveryQuotaThreshold];

    /// Its text: `quota.threshold`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::QuotaThreshold => "quota.threshold",
            Self::EveryQuotaThreshold => "quota.threshold.all",
        }
    }

    /// Whether only the operator is told of it.
    pub(crate) const fn is_of_operator(self) -> bool {
        matches!(self, Self::EveryQuotaThreshold)
    }
}

impl Events {
    /// A set of these; `None` if there are none.
    pub(crate) fn of(events: impl IntoIterator<Item = Event>) -> Option<Self> {
        let mut events: Vec<_> = events.into_iter().collect();
        events.sort_unstable();
        events.dedup();
        (!events.is_empty()).then_some(Self(events))
    }

    /// Whether it is one of them.
    pub(crate) fn has(&self, event: Event) -> bool {
        self.0.contains(&event)
    }

    /// Its members.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Event> {
        self.0.iter().copied()
    }

    /// Its members' texts with a space between.
    pub(crate) fn to_text(&self) -> String {
        self.0.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Event {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        Self::ALL.into_iter().find(|it| it.as_str() == text).ok_or(UnknownEvent)
    }
}

impl FromStr for Events {
    type Err = UnknownEvent;

    fn from_str(text: &str) -> Result<Self, UnknownEvent> {
        let events = text.split(' ').map(str::parse).collect::<Result<Vec<_>, _>>()?;
        Self::of(events).ok_or(UnknownEvent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_convert() {
        let both = Events::of([Event::EveryQuotaThreshold, Event::QuotaThreshold, Event::QuotaThreshold]).unwrap();
        assert_eq!(both.to_text(), "quota.threshold quota.threshold.all");
        assert_eq!(both.to_text().parse(), Ok(both));
        assert_eq!(Events::of([]), None);
        for text in ["", "quota", "quota.threshold  quota.threshold"] {
            assert_eq!(text.parse::<Events>(), Err(UnknownEvent), "{text}");
        }
    }
}
