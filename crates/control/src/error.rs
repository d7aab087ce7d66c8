//! What can be wrong with a management request, in words of the domain; `http::problem` turns it into HTTP.

use portcullis_api::KeyStatus;
use portcullis_engine::KeyId;

use crate::access::{Permission, Role};
use crate::clock::{MAX_TIME, from_rfc3339, to_rfc3339};
use crate::policy::PolicyRoom;
use crate::random::NoRandomness;
use crate::store::{MOST_WAITING, StoreError};

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no such thing; the caller has the wrong id.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// No edge of that name was heard of; the caller has another name in mind.
    #[error("there is no edge `{edge}`\nhint: {hint}")]
    UnknownEdge {
        /// What was sent.
        edge: String,
        /// Which there are.
        hint: String,
    },
    /// The same, and what was asked for can be said again.
    #[error("there is no such {what}: `{named}`\nhint: {hint}")]
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// What the caller called it.
        named: String,
        /// How to find the right one.
        hint: &'static str,
    },
    /// The caller may not do this; someone with a higher role, or another token, can.
    #[error(
        "this needs the permission `{0}`, which you do not have: ask an admin of the organisation, or use another token"
    )]
    Forbidden(Permission),
    /// The caller may not do this, wherever it stands in its own organisation.
    #[error("only the operator may do this: a member of the default organisation, or the administrator's token")]
    OperatorOnly,
    /// A member of the body cannot be accepted; the caller can put it right.
    #[error("{detail}")]
    Invalid {
        /// JSON pointer to the member.
        pointer: String,
        /// What is wrong with it and what would be right.
        detail: String,
    },
    /// The key's state does not allow it; the caller needs another key.
    #[error("the key is {}: {hint}", status.as_str())]
    KeyState {
        /// Its state.
        status: KeyStatus,
        /// What to do instead.
        hint: &'static str,
    },
    /// The key was rotated before; the caller has or needs its successor.
    #[error(
        "the key was already rotated: its successor is `{0}`\nhint: rotate that one, or revoke it and create a new one"
    )]
    Rotated(KeyId),
    /// Another policy was published than the one the caller started from; the caller has to look at it first.
    #[error("version {current} of the policy is in force, not {base}: look at what changed, then publish on top of it")]
    PolicyMoved {
        /// The version that the caller started from.
        base: u64,
        /// The version in force.
        current: u64,
    },
    /// Another version of a skill is published than the one that the caller has seen; the caller has to look at it first.
    #[error("version {current} of the skill is published, not {asked}: look at what changed, then ask for that one")]
    SkillMoved {
        /// The version that the caller has seen.
        asked: u64,
        /// The version that is published.
        current: u64,
    },
    /// Organisations have the plan; the caller can give them another first.
    #[error("{} this plan\nhint: give {} another first", have(.0), if .0.len() == 1 { "it" } else { "them" })]
    PlanInUse(Vec<String>),
    /// Nobody counts what the organisation uses; the caller can give it a plan that has a limit.
    #[error(
        "nobody counts what this organisation uses, so there is nothing to add to\nhint: give it a plan with a limit first"
    )]
    Unmetered,
    /// It is somebody's own; they can do it.
    #[error("it is somebody's own: only they can do this")]
    OwnerOnly,
    /// There is nothing to seal values to; the operator can make a key.
    #[error(
        "there is no key of the edges yet, so there is nothing to seal a value to\nhint: `portcullis edge-keys generate` makes one"
    )]
    NoEdgeKeys,
    /// Skills find their references by the secret; the caller can say that they need not.
    #[error("{}\nhint: with `?force=true` it is deleted all the same", use_secret(.0))]
    SecretInUse(Vec<String>),
    /// Keys belong to the skill; the caller can say that they need not.
    #[error(
        "{} to this skill\nhint: give them another first; with `?force=true` it is deleted all the same, and they belong to none",
        count(*.0, "key belongs", "keys belong")
    )]
    SkillInUse(u64),
    /// Secrets are sealed to this key and to no other; the caller can have their values entered again first.
    #[error(
        "{} sealed to this key alone{}\nhint: let their values be entered again first; with `?force=true` it is removed all the same, \
         and no edge can use them until then",
        count(*secrets, "secret is", "secrets are"),
        and_without_it(edges)
    )]
    SecretsUnsealed {
        /// How many.
        secrets: u64,
        /// Those that could not open every other secret.
        edges: Edges,
    },
    /// Edges need this key; the caller can give them another first.
    #[error(
        "without this key {} could not open every secret\nhint: add another key, restart them with both, and have secrets entered \
         again that are not sealed to it; with `?force=true` it is removed all the same, and they answer 503 to whoever needs a secret \
         that they cannot open",
        .0
    )]
    EdgeKeyInUse(Edges),
    /// There is one already; the caller can leave it out.
    #[error("{detail}")]
    Taken {
        /// JSON pointer to the member that names it.
        pointer: String,
        /// What is there already.
        detail: String,
    },
    /// The caller stands too low among the members; someone who stands higher can do it.
    #[error("this needs somebody who is and may at least as much as the role `{}`: ask one of them", .0.as_str())]
    TooLow(Role),
    /// Nobody would be left who owns the organisation; another owner has to be made first.
    #[error("the organisation would be left without an owner: make somebody else an owner first")]
    LastOwner,
    /// Who is to become a member is one.
    #[error("they are a member of this organisation already: change their role instead")]
    AlreadyMember,
    /// The link of an invitation does not work, or no longer does; whoever invites can make another.
    #[error("this invitation was used, withdrawn or is too old: ask for another")]
    Void,
    /// Somebody failed to prove who they are; they can try again.
    #[error("the e-mail address or the password is wrong")]
    WrongPassword,
    /// Somebody tries too often; they can come back.
    #[error("too many attempts: try again in {retry_after} s")]
    TooMany {
        /// In so many seconds.
        retry_after: u64,
    },
    /// Messages wait for a webhook; the caller can see to it that they arrive, and come back.
    #[error(
        "{MOST_WAITING} messages wait to be sent to this webhook\nhint: see at its deliveries why they do not arrive; when fewer wait, try again"
    )]
    TooManyWaiting,
    /// Somebody is a member of nothing any more; an admin of some organisation can invite them.
    #[error("you are a member of no organisation any more: ask for an invitation")]
    NoMembership,
    /// A program asked for what only a person does; they have to sign in.
    #[error("only a person who is signed in can do this")]
    PeopleOnly,
    /// Passwords can be neither hashed nor checked; the operator has to look into the log.
    #[error("a password could not be hashed or checked")]
    Password,
    /// What the caller saw of a record is no longer so; they can look again.
    #[error("somebody else changed it meanwhile\nhint: load it again and repeat what you did")]
    Changed,
    /// Others kept changing the same thing; the caller can try again.
    #[error("the same record is being changed by others: try again")]
    Contended,
    /// The change is stored, but edges cannot fetch it yet; the operator has to look into the log.
    #[error("the change is stored in version {0}, but edges cannot fetch it yet: look into the control plane's log")]
    NotPublished(u64),
    /// Nothing was ever published, so nothing was written; the caller can try again.
    #[error("the first bundle is being built: try again")]
    NotReady,
    /// A bug here; the operator has to look into the log.
    #[error("something broke off: its panic is in the log")]
    Broken,
    /// The machine's fault.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The database's fault.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LastOwner => Self::LastOwner,
            StoreError::TooManyWaiting => Self::TooManyWaiting,
            other => Self::Store(other),
        }
    }
}

impl Error {
    /// For a member of the body.
    pub(crate) fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid { pointer: pointer.into(), detail: detail.into() }
    }

    /// For what is not there under a name that the caller gave. What may be a secret is not said again.
    pub(crate) fn unknown(policy: &PolicyRoom, what: &'static str, named: &str, hint: &'static str) -> Self {
        match policy.repeated(named) {
            Some(named) => Self::Unknown { what, named, hint },
            None => Self::NotFound(what),
        }
    }

    /// A time that a caller sent; `pointer` says where it stands.
    pub(crate) fn time(pointer: &str, text: &str) -> Result<u64, Self> {
        let time = from_rfc3339(text);
        let time =
            time.ok_or_else(|| Self::invalid(pointer, "expected a time as in RFC 3339: 2027-01-31T12:00:00Z"))?;
        if time > MAX_TIME {
            let detail = format!("no time is later than {}; leave it out for never", to_rfc3339(MAX_TIME));
            return Err(Self::invalid(pointer, detail));
        }
        Ok(time)
    }

    /// The same, of a body that stands at `parent` in a larger one.
    pub(crate) fn within(self, parent: &str) -> Self {
        match self {
            Self::Invalid { pointer, detail } => Self::Invalid { pointer: format!("{parent}{pointer}"), detail },
            other => other,
        }
    }
}

fn count(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Which skills use a secret, twenty of them by name.
fn use_secret(skills: &[String]) -> String {
    const NAMED: usize = 20;
    let verb = if skills.len() == 1 { "uses" } else { "use" };
    let named = skills.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match skills.len().saturating_sub(NAMED) {
        0 => format!("{named} {verb} this secret"),
        more => format!("{named} and {more} more {verb} this secret"),
    }
}

/// Edges that are spoken of to somebody who may not see which they are, or may.
#[derive(Clone, Debug)]
pub(crate) struct Edges {
    /// How many.
    pub(crate) number: usize,
    /// Their names, for whoever may see them.
    pub(crate) names: Option<Vec<String>>,
}

impl std::fmt::Display for Edges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.names {
            Some(names) => f.write_str(&listed(names)),
            None => f.write_str(&count(u64::try_from(self.number).unwrap_or(u64::MAX), "edge", "edges")),
        }
    }
}

/// Which edges need the key that is spoken of, if there are any.
fn and_without_it(edges: &Edges) -> String {
    if edges.number == 0 { String::new() } else { format!(", and without it {edges} could not open every other") }
}

/// Who has something.
fn have(names: &[String]) -> String {
    format!("{} {}", listed(names), if names.len() == 1 { "has" } else { "have" })
}

/// Three of them by name.
fn listed(names: &[String]) -> String {
    const NAMED: usize = 3;
    let named: Vec<_> = names.iter().take(NAMED).map(|it| format!("`{it}`")).collect();
    let more = names.len().saturating_sub(NAMED);
    match (named.split_last(), more) {
        (Some((last, [])), 0) => last.clone(),
        (Some((last, before)), 0) => format!("{} and {last}", before.join(", ")),
        (_, more) => format!("{} and {more} more", named.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_plan_is_named_up_to_three() {
        for (count, expected) in [
            (1, "`a` has this plan\nhint: give it another first"),
            (2, "`a` and `b` have this plan\nhint: give them another first"),
            (3, "`a`, `b` and `c` have this plan\nhint: give them another first"),
            (5, "`a`, `b`, `c` and 2 more have this plan\nhint: give them another first"),
        ] {
            let names = ["a", "b", "c", "d", "e"].into_iter().take(count).map(str::to_owned).collect();
            assert_eq!(Error::PlanInUse(names).to_string(), expected);
        }
    }
}
