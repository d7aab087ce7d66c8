//! Fields of forms about keys, parsed into what the domain takes, and shown again when something is wrong.
//!
//! Invariant: what looks like a key or a token is never shown again, in whatever field it was pasted.

use std::collections::BTreeMap;

use portcullis_api::RestrictionsSpec;

use super::problems::Places;
use crate::error::Error;
use crate::http::session::Fields;
use crate::pages::restrictions::RestrictionFields;
use crate::policy::PolicyRoom;

/// Where members of a key's restrictions are shown.
pub(super) const RESTRICTIONS: &Places = &[
    ("/restrictions", "ip_allow"),
    ("/restrictions/ip/deny", "ip_deny"),
    ("/restrictions/referrer", "referrer_allow"),
    ("/restrictions/endpoint", "endpoint_allow"),
];

/// Text that somebody sent, to be shown to them again.
pub(super) fn again(policy: &PolicyRoom, text: &str) -> String {
    if policy.spots_secret_in(text) { String::new() } else { text.to_owned() }
}

/// What was sent as restrictions.
pub(super) fn restrictions(sent: &Fields) -> RestrictionFields {
    RestrictionFields {
        ip: sent.has("ip"),
        ip_allow: sent.get("ip_allow").to_owned(),
        ip_deny: sent.get("ip_deny").to_owned(),
        ip_observe: sent.has("ip_observe"),
        referrer: sent.has("referrer"),
        referrer_allow: sent.get("referrer_allow").to_owned(),
        referrer_missing: sent.has("referrer_missing"),
        referrer_observe: sent.has("referrer_observe"),
        endpoint: sent.has("endpoint"),
        endpoint_allow: sent.get("endpoint_allow").to_owned(),
        endpoint_observe: sent.has("endpoint_observe"),
    }
}

/// The same, to be shown again.
pub(super) fn restrictions_again(policy: &PolicyRoom, fields: RestrictionFields) -> RestrictionFields {
    RestrictionFields {
        ip_allow: again(policy, &fields.ip_allow),
        ip_deny: again(policy, &fields.ip_deny),
        referrer_allow: again(policy, &fields.referrer_allow),
        endpoint_allow: again(policy, &fields.endpoint_allow),
        ..fields
    }
}

/// Fails if a restriction is filled in that is not ticked: a key that is open by oversight is worse than a question.
pub(super) fn none_in_vain(fields: &RestrictionFields, before: &RestrictionFields) -> Result<(), Error> {
    match fields.in_vain(before).first() {
        Some(&pointer) => {
            Err(Error::invalid(pointer, "this is filled in but not ticked: tick the box above, or empty it"))
        }
        None => Ok(()),
    }
}

/// Restrictions, if there are any.
pub(super) fn spec(fields: &RestrictionFields) -> Option<RestrictionsSpec> {
    Some(RestrictionsSpec::from(fields)).filter(|spec| *spec != RestrictionsSpec::default())
}

/// The scopes that were ticked.
pub(super) fn scopes(sent: &Fields) -> Vec<String> {
    sent.all("scopes").map(str::to_owned).collect()
}

/// Whether something new is to be the organisation's.
pub(super) fn is_team(sent: &Fields) -> bool {
    sent.get("whose") == "team"
}

/// `name=value`, one a line.
pub(super) fn metadata(text: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut entries = BTreeMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |what| Error::invalid("/metadata", format!("line {}: {what}", index + 1));
        let (name, value) = line.split_once('=').ok_or_else(|| wrong("expected `name=value`"))?;
        if entries.insert(name.trim().to_owned(), value.trim().to_owned()).is_some() {
            return Err(wrong("this name stands here twice"));
        }
    }
    Ok(entries)
}

/// The same the other way round.
pub(super) fn metadata_text(entries: &BTreeMap<String, String>) -> String {
    entries.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("\n")
}

/// A moment as browsers send it, `2026-01-15T12:00`, which is meant in UTC; as the domain reads it.
pub(super) fn moment(text: &str) -> Option<String> {
    const TO_THE_MINUTE: usize = "2026-01-15T12:00".len();
    let text = text.trim();
    let seconds = if text.len() == TO_THE_MINUTE { ":00" } else { "" };
    Some(format!("{text}{seconds}Z")).filter(|_| !text.is_empty())
}

/// The same the other way round.
pub(super) fn moment_text(time: Option<&str>) -> String {
    time.and_then(|time| time.rsplit_once(':')).map(|(minute, _)| minute.to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_one_entry_a_line() {
        let sent = "team = payments\r\n\r\nurl=https://x.example/?a=b\n";
        let entries = metadata(sent).unwrap();
        assert_eq!(metadata_text(&entries), "team=payments\nurl=https://x.example/?a=b");
        for (text, line) in [("a=b\nnothing", "line 2: expected"), ("a=b\n\na=c", "line 3: this name")] {
            assert!(metadata(text).unwrap_err().to_string().starts_with(line), "{text}");
        }
    }

    #[test]
    fn moments_are_utc_to_the_minute() {
        for (sent, read) in [
            ("", None),
            ("2026-01-15T12:00", Some("2026-01-15T12:00:00Z")),
            ("2026-01-15T12:00:30", Some("2026-01-15T12:00:30Z")),
            ("soon", Some("soonZ")),
        ] {
            assert_eq!(moment(sent).as_deref(), read, "{sent}");
        }
        assert_eq!(moment_text(Some("2026-01-15T12:00:30Z")), "2026-01-15T12:00");
        assert_eq!(moment_text(None), "");
    }
}
