//! `GET /keys/{id}`: everything about one key, and what can be done with it.

use askama::Template;

use super::audit::AuditRow;
use super::explain::{DenialRow, ExplainFields};
use super::keys::KeyRow;
use super::quota::QuotaCard;
use super::restrictions::Restriction;
use super::shell::Shell;
use super::trial::{Observed, Rotation, Trial};
use super::usage::Chart;
use super::when::When;

/// The page.
#[derive(Clone, Debug, Template)]
#[template(path = "key.html")]
pub(crate) struct KeyPage {
    pub(crate) shell: Shell,
    pub(crate) key: KeyRow,
    pub(crate) organization: String,
    /// The skill that it belongs to, by id and name. The name of somebody else's own is not known.
    pub(crate) skill: Option<(String, Option<String>)>,
    pub(crate) revoked: Option<When>,
    pub(crate) scopes: Vec<String>,
    pub(crate) restrictions: Vec<Restriction>,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) trial: Option<Trial>,
    /// What restrictions in observe mode would have denied.
    pub(crate) observed: Option<Observed>,
    /// Once is enough: from then on its successor is rotated.
    pub(crate) is_rotated: bool,
    /// To this key and from it.
    pub(crate) rotations: Vec<Rotation>,
    /// Its own, if it has one.
    pub(crate) quota: Option<QuotaCard>,
    /// Its own: `100 in 60 s, 20 at once`
    pub(crate) rate: Option<String>,
    pub(crate) chart: Chart,
    pub(crate) explain: ExplainFields,
    pub(crate) denials: Vec<DenialRow>,
    /// Absent for whoever may not read the log.
    pub(crate) entries: Option<Vec<AuditRow>>,
}

/// `GET /keys/{id}/rotate`: how long the old key goes on working.
#[derive(Clone, Debug, Template)]
#[template(path = "key_rotate.html")]
pub(crate) struct RotatePage {
    pub(crate) shell: Shell,
    pub(crate) key: KeyRow,
    pub(crate) problems: super::form::Problems,
    pub(crate) overlap: Overlap,
    pub(crate) hours: String,
}

/// The overlaps on offer, `overlap` in the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overlap {
    None,
    Hour,
    Day,
    Week,
    Month,
    /// `hours` in the form.
    Custom,
}

impl Overlap {
    const ALL: [Self; 6] = [Self::None, Self::Hour, Self::Day, Self::Week, Self::Month, Self::Custom];

    /// Its value in the form.
    pub(crate) fn value(self) -> &'static str {
        match self {
            Self::None => "0",
            Self::Hour => "3600",
            Self::Day => "86400",
            Self::Week => "604800",
            Self::Month => "2592000",
            Self::Custom => "custom",
        }
    }

    /// The overlap of that value.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|overlap| overlap.value() == value)
    }

    fn label(self) -> (&'static str, &'static str) {
        match self {
            Self::None => ("None", "The old key stops working at once. For a key that leaked."),
            Self::Hour => ("1 hour", "For a service that you restart now."),
            Self::Day => ("24 hours", "For a service that is deployed daily."),
            Self::Week => ("7 days", "Time to reach everyone who uses it."),
            Self::Month => ("30 days", "For keys in the hands of customers."),
            Self::Custom => ("Another time", "In hours, below."),
        }
    }
}

impl RotatePage {
    fn overlaps(&self) -> Vec<(&'static str, &'static str, &'static str, bool)> {
        let row = |overlap: Overlap| {
            let (label, hint) = overlap.label();
            (overlap.value(), label, hint, overlap == self.overlap)
        };
        Overlap::ALL.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_found_by_its_value() {
        for overlap in Overlap::ALL {
            assert_eq!(Overlap::parse(overlap.value()), Some(overlap));
        }
        assert_eq!(Overlap::parse("31"), None);
    }
}
