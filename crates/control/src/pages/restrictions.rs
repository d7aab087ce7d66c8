//! Restrictions to read, and to edit: three kinds, each off until its box is ticked.

use portcullis_api::RestrictionsSpec;
use portcullis_api::restrictions::{EndpointSpec, IpSpec, ModeSpec, ReferrerSpec};

/// One kind of restriction in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Restriction {
    pub(crate) label: &'static str,
    /// It only counts.
    pub(crate) observe: bool,
    /// Absent: anything not denied may call; empty: nothing may.
    pub(crate) allow: Option<Vec<String>>,
    pub(crate) deny: Vec<String>,
    pub(crate) note: Option<&'static str>,
}

/// What a key is restricted to.
pub(crate) fn list(spec: Option<&RestrictionsSpec>) -> Vec<Restriction> {
    let Some(spec) = spec else { return Vec::new() };
    let ip = spec.ip.as_ref().map(|ip| Restriction {
        label: "Client addresses",
        observe: ip.mode == ModeSpec::Observe,
        allow: ip.allow.clone(),
        deny: ip.deny.clone(),
        note: None,
    });
    let referrer = spec.referrer.as_ref().map(|referrer| Restriction {
        label: "Referrers",
        observe: referrer.mode == ModeSpec::Observe,
        allow: Some(referrer.allow.clone()),
        deny: Vec::new(),
        note: referrer.allow_missing.then_some("Requests without a referrer pass too."),
    });
    let endpoint = spec.endpoint.as_ref().map(|endpoint| Restriction {
        label: "Endpoints",
        observe: endpoint.mode == ModeSpec::Observe,
        allow: Some(endpoint.allow.clone()),
        deny: Vec::new(),
        note: None,
    });
    [ip, referrer, endpoint].into_iter().flatten().collect()
}

/// The fields as text. A kind that is ticked and left empty denies everything.
#[derive(Clone, Debug, Default)]
pub(crate) struct RestrictionFields {
    pub(crate) ip: bool,
    pub(crate) ip_allow: String,
    pub(crate) ip_deny: String,
    pub(crate) ip_observe: bool,
    pub(crate) referrer: bool,
    pub(crate) referrer_allow: String,
    pub(crate) referrer_missing: bool,
    pub(crate) referrer_observe: bool,
    pub(crate) endpoint: bool,
    pub(crate) endpoint_allow: String,
    pub(crate) endpoint_observe: bool,
}

impl RestrictionFields {
    /// What is filled in, other than before, without its box being ticked, by where it would stand. Whoever lifts a
    /// restriction leaves its text as it was.
    pub(crate) fn in_vain(&self, before: &Self) -> Vec<&'static str> {
        let new = |text: &str, was: &str| !lines(text).is_empty() && lines(text) != lines(was);
        let kinds = [
            (self.ip, new(&self.ip_allow, &before.ip_allow), "/restrictions/ip"),
            (self.ip, new(&self.ip_deny, &before.ip_deny), "/restrictions/ip/deny"),
            (self.referrer, new(&self.referrer_allow, &before.referrer_allow), "/restrictions/referrer"),
            (self.endpoint, new(&self.endpoint_allow, &before.endpoint_allow), "/restrictions/endpoint"),
        ];
        kinds.into_iter().filter(|(ticked, new, _)| !ticked && *new).map(|(_, _, pointer)| pointer).collect()
    }

    /// With what is filled in ticked, so that it is seen.
    pub(crate) fn ticked(self, before: &Self) -> Self {
        let vain = self.in_vain(before);
        let of = |kind: &str| vain.iter().any(|pointer| pointer.starts_with(kind));
        Self {
            ip: self.ip || of("/restrictions/ip"),
            referrer: self.referrer || of("/restrictions/referrer"),
            endpoint: self.endpoint || of("/restrictions/endpoint"),
            ..self
        }
    }
}

impl From<&RestrictionsSpec> for RestrictionFields {
    fn from(spec: &RestrictionsSpec) -> Self {
        let mut fields = Self::default();
        if let Some(ip) = &spec.ip {
            fields.ip = true;
            fields.ip_allow = ip.allow.as_deref().unwrap_or_default().join("\n");
            fields.ip_deny = ip.deny.join("\n");
            fields.ip_observe = ip.mode == ModeSpec::Observe;
        }
        if let Some(referrer) = &spec.referrer {
            fields.referrer = true;
            fields.referrer_allow = referrer.allow.join("\n");
            fields.referrer_missing = referrer.allow_missing;
            fields.referrer_observe = referrer.mode == ModeSpec::Observe;
        }
        if let Some(endpoint) = &spec.endpoint {
            fields.endpoint = true;
            fields.endpoint_allow = endpoint.allow.join("\n");
            fields.endpoint_observe = endpoint.mode == ModeSpec::Observe;
        }
        fields
    }
}

impl From<&RestrictionFields> for RestrictionsSpec {
    fn from(fields: &RestrictionFields) -> Self {
        let mode = |observe| if observe { ModeSpec::Observe } else { ModeSpec::Enforce };
        let (allow, deny) = (lines(&fields.ip_allow), lines(&fields.ip_deny));
        Self {
            ip: fields.ip.then(|| IpSpec {
                mode: mode(fields.ip_observe),
                // Who only names the denied lets everyone else call.
                allow: Some(allow).filter(|allow| !allow.is_empty() || deny.is_empty()),
                deny,
            }),
            referrer: fields.referrer.then(|| ReferrerSpec {
                mode: mode(fields.referrer_observe),
                allow: lines(&fields.referrer_allow),
                allow_missing: fields.referrer_missing,
            }),
            endpoint: fields
                .endpoint
                .then(|| EndpointSpec { mode: mode(fields.endpoint_observe), allow: lines(&fields.endpoint_allow) }),
        }
    }
}

/// One entry a line.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_restrictions_say_the_same() {
        for text in [
            "{}",
            r#"{"ip":{"mode":"enforce","allow":[]}}"#,
            r#"{"ip":{"mode":"observe","deny":["192.0.2.1"]}}"#,
            r#"{"ip":{"mode":"enforce","allow":["203.0.113.0/24","::1"],"deny":["192.0.2.1"]}}"#,
            r#"{"referrer":{"mode":"enforce","allow":["https://a.example/*"],"allow_missing":true}}"#,
            r#"{"referrer":{"mode":"observe","allow":[],"allow_missing":false},"endpoint":{"mode":"enforce","allow":["GET /a"]}}"#,
        ] {
            let spec: RestrictionsSpec = serde_json::from_str(text).unwrap();
            assert_eq!(RestrictionsSpec::from(&RestrictionFields::from(&spec)), spec, "{text}");
        }
        let fields = RestrictionFields { ip: true, ip_allow: " a \r\n\n b".to_owned(), ..Default::default() };
        let allow = RestrictionsSpec::from(&fields).ip.unwrap().allow.unwrap();
        assert_eq!(allow, ["a", "b"]);
        let unticked = RestrictionFields { ip: false, ..fields };
        assert_eq!(RestrictionsSpec::from(&unticked), RestrictionsSpec::default());
    }
}
