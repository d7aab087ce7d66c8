//! What was just done, on its way through a redirect: a word in the address becomes a notice on the next page.
//!
//! Invariants: an address chooses among sentences that stand here and adds nothing to them; a link on somebody else's page
//! puts none of them on ours.

use axum::extract::Query;
use axum::http::{HeaderMap, Uri};
use axum::response::Redirect;
use serde::Deserialize;

use crate::pages::shell::NoticeKind;

macro_rules! done {
    ($($variant:ident $word:literal $kind:ident $text:literal $(+ $detail:literal)?,)*) => {
        /// Something that was done, as `done` in an address names it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(in crate::http) enum Done {
            $(
                #[doc = $text]
                $variant,
            )*
        }

        impl Done {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its word in an address.
            const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// What people read: a sentence, and another where it takes one.
            pub(super) const fn text(self) -> (&'static str, Option<&'static str>) {
                match self {
                    $(Self::$variant => ($text, done!(@detail $($detail)?)),)*
                }
            }

            pub(super) const fn kind(self) -> NoticeKind {
                match self {
                    $(Self::$variant => NoticeKind::$kind,)*
                }
            }
        }
    };
    (@detail $detail:literal) => { Some($detail) };
    (@detail) => { None };
}

done! {
    KeyUpdated "key.updated" Done "The key was changed.",
    KeyScoped "key.scoped" Done "The key has its new scopes.",
    KeyRestricted "key.restricted" Done "The key has its new restrictions.",
    KeyLimited "key.limited" Done "The key has its new limits.",
    KeyDisabled "key.disabled" Done "The key is disabled." + "It is refused until it is enabled again.",
    KeyEnabled "key.enabled" Done "The key is enabled.",
    KeyRevoked "key.revoked" Done "The key is revoked for good.",
    KeyUnchanged "key.unchanged" Done "Nothing was changed.",
    TrialStarted "key.trial-started" Done "The change is on trial." + "It denies nothing. What it would have denied appears here.",
    TrialEnded "key.trial-ended" Done "The trial was ended." + "The key stays as it was.",
    TrialEnforced "key.trial-enforced" Done "The change is enforced.",
    KeysImported "keys.imported" Done "The keys were imported." + "Edges let them pass from now on.",
    KeyUnknown "key.unknown" Warning "No key of your organisation is the one that you pasted." + "A whole key is found by its digest, also when it is revoked: this one was never one of yours, or not all of it was copied.",
    KeyInAddress "key.in-address" Problem "A key does not belong into an address." + "Paste it into the search field: it is hashed there and forgotten. If others can see your history, rotate it.",
    SignedOut "signed-out" Done "You are signed out.",
    WrongPassword "wrong-password" Problem "The e-mail address or the password is wrong.",
    NobodyYet "nobody-yet" Warning "Nobody has an account yet." + "The link for the first owner was written where the control plane was started (stderr). It works for a day; a restart writes a new one.",
    Welcome "welcome" Done "You are the owner." + "Create a key, or invite the others under Organisation.",
    WelcomeUnnamed "welcome-unnamed" Warning "You are the owner, but the organisation could not be named.",
    Joined "joined" Done "You are a member now.",
    MemberChanged "member.changed" Done "They have their new role." + "It counts from their next click on.",
    MemberRemoved "member.removed" Done "They are no longer a member." + "Their sessions, their personal tokens and what they allowed apps here ended at once.",
    InvitationWithdrawn "invitation.withdrawn" Done "The invitation was withdrawn." + "Its link no longer works.",
    OrganizationMoved "organization.moved" Done "You look at another organisation now.",
    OrganizationCreated "organization.created" Done "The organisation was created, and you own it." + "Change over to it to invite its people.",
    OrganizationSuspended "organization.suspended" Done "The organisation is suspended." + "Its keys are refused until it is resumed.",
    OrganizationResumed "organization.resumed" Done "The organisation is active again.",
    PolicyPublished "policy.published" Done "The policy was published.",
    PolicyRestored "policy.restored" Done "The older text is in force again, as a new version.",
    NameChanged "name.changed" Done "Your name was changed.",
    PasswordChanged "password.changed" Done "Your password was changed." + "Your other sessions ended. Personal tokens go on working until they are revoked.",
    PasswordAndTokens "password.changed-tokens-revoked" Done "Your password was changed." + "Your other sessions ended, apps that you allowed something have nothing any more, and your personal tokens were revoked.",
    SessionEnded "session.ended" Done "That session ended.",
    TokenRevoked "token.revoked" Done "The token is revoked for good.",
    PlanCreated "plan.created" Done "The plan was created." + "Give it to organisations on their pages.",
    PlanUpdated "plan.updated" Done "The plan was changed." + "Its limit counts at once.",
    PlanRemoved "plan.removed" Done "The plan is removed.",
    PlanGiven "plan.given" Done "The organisation has this plan and time zone now.",
    ToppedUp "organization.topped-up" Done "The organisation was topped up." + "It counts at once, until the next reset.",
    TimeZoneChanged "organization.time-zone" Done "The time zone was changed." + "It counts from the next reset on.",
    AppUpdated "app.updated" Done "The app was changed.",
    AppRevoked "app.revoked" Done "The app is revoked for good." + "What anybody allowed it ended with it.",
    GrantRevoked "grant.revoked" Done "The app may act for you no more.",
    WebhookUpdated "webhook.updated" Done "The webhook was changed.",
    WebhookDisabled "webhook.disabled" Done "The webhook is disabled." + "Nothing is sent until it is enabled again.",
    WebhookEnabled "webhook.enabled" Done "The webhook is enabled.",
    WebhookTested "webhook.tested" Done "A test message is on its way." + "Load the page again to see what became of it.",
    WebhookRetried "webhook.retried" Done "The message is sent again." + "Load the page again to see what became of it.",
    WebhookRemoved "webhook.removed" Done "The webhook is removed.",
    SecretEntered "secret.entered" Done "The secret was entered." + "Its value is sealed to the edges: nobody can look at it any more.",
    SecretReplaced "secret.replaced" Done "The secret has its new value." + "Skills and keys that use it stay as they are.",
    SecretUpdated "secret.updated" Done "The description was changed.",
    SecretDeleted "secret.deleted" Done "The secret is deleted.",
    SkillCreated "skill.created" Done "The skill was created." + "Let keys belong to it, and enter the secrets that are missing.",
    SkillUpdated "skill.updated" Done "The skill was changed.",
    SkillPublished "skill.published" Done "The skill is published." + "Every organisation can install it; none sees a secret.",
    SkillUnpublished "skill.unpublished" Done "The skill is no longer published." + "Where it is installed it stays.",
    SkillInstalled "skill.installed" Done "The skill is installed." + "It uses your secrets, not its publisher's: enter those that are missing.",
    SkillUpgraded "skill.upgraded" Done "The skill was upgraded.",
    SkillDeleted "skill.deleted" Done "The skill is deleted.",
    EdgeKeyAdded "edge-key.added" Done "The public key was added." + "Secrets are sealed to it from now on. Those that are there have to be entered again before edges with this key alone can use them.",
    EdgeKeyRemoved "edge-key.removed" Done "The public key is removed.",
    SigningKeyRotated "signing-key.rotated" Done "Another signing key was made.",
    SigningKeyRevoked "signing-key.revoked" Done "The signing key is revoked for good." + "Edges refuse what it signed; clients get new tokens.",
    KeyMadeBefore "key.made-before" Warning "This key was created already: the form was sent twice." + "Its text was on the page before and cannot be shown again. If nobody copied it, rotate the key.",
}

/// Goes on to a page, which says what was done and, with a version, where it is enforced.
pub(in crate::http) fn done(path: &str, done: Done, version: Option<u64>) -> Redirect {
    let version = version.map(|version| format!("&version={version}")).unwrap_or_default();
    Redirect::to(&format!("{path}?done={}{version}", done.word()))
}

/// What an address says was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) struct Noticed {
    pub(in crate::http) done: Done,
    pub(in crate::http) version: Option<u64>,
}

#[derive(Deserialize)]
struct Words {
    done: String,
    version: Option<String>,
}

impl Noticed {
    /// What an address says was done, unless the browser says that a page of somebody else led to it.
    pub(in crate::http) fn of(headers: &HeaderMap, uri: &Uri) -> Option<Self> {
        let foreign = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site" || site == "same-site");
        Self::read(uri).filter(|_| !foreign)
    }

    /// Whatever is no word of ours is passed over.
    fn read(uri: &Uri) -> Option<Self> {
        let Query(Words { done, version }) = Query::try_from_uri(uri).ok()?;
        Some(Self { done: Done::parse(&done)?, version: version.and_then(|version| version.parse().ok()) })
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn nothing_is_noticed_that_another_site_says() {
        let uri = Uri::from_static("/keys?done=key.revoked");
        for (site, noticed) in [
            (None, true),
            (Some("same-origin"), true),
            (Some("none"), true),
            (Some("same-site"), false),
            (Some("cross-site"), false),
        ] {
            let mut headers = HeaderMap::new();
            site.into_iter().for_each(|site| drop(headers.insert("sec-fetch-site", HeaderValue::from_static(site))));
            assert_eq!(Noticed::of(&headers, &uri).is_some(), noticed, "{site:?}");
        }
    }

    #[test]
    fn only_our_own_words_are_noticed() {
        for &done in Done::ALL {
            let uri = format!("/keys?a=b&done={}&version=12", done.word()).parse().unwrap();
            assert_eq!(Noticed::read(&uri), Some(Noticed { done, version: Some(12) }));
            let (text, detail) = done.text();
            assert!(text.ends_with('.') && detail.is_none_or(|it| it.ends_with('.')), "{text}");
        }
        for (query, expected) in [
            ("", None),
            ("?done=", None),
            ("?done=<b>", None),
            ("?done=key.revoked&done=key.enabled", None),
            ("?version=1", None),
            ("?done=key.revoked&version=x", Some(Noticed { done: Done::KeyRevoked, version: None })),
            ("?done=key.revoked", Some(Noticed { done: Done::KeyRevoked, version: None })),
        ] {
            let uri = format!("/keys{query}").replace(['<', '>'], "%3C").parse().unwrap();
            assert_eq!(Noticed::read(&uri), expected, "{query}");
        }
    }
}
