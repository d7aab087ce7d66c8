//! From `cases.toml` to a corpus: every name in it must exist, every expectation must be one that the engine can meet.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use portcullis_engine::PolicySpec;
use portcullis_engine::reason::{Code, Reason};
use portcullis_engine::record::{KeyStatus, OrganizationState};
use portcullis_engine::spec::RestrictionsSpec;

use super::raw::{RawCase, RawCorpus, RawExpectation, RawKey, RawKind, RawState, RawStatus};
use super::skills::{known_secret, known_skill};
use super::{Case, Corpus, Organization, QUOTA_WAIT};
use crate::escape::{self, Piece};
use crate::expectation::Expectation;
use crate::key::{self, KeyKind, KnownKey};
use crate::mint::KnownToken;
use crate::skill::KnownSkill;

pub(super) fn load(dir: &Path) -> Result<Corpus> {
    let (spec, _) = portcullis_policy::load(&dir.join("policy.toml"))?;
    let file = dir.join("cases.toml");
    let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let raw: RawCorpus = toml::from_str(&text).with_context(|| format!("cannot use {}", file.display()))?;
    build(dir, spec, raw)
}

fn build(dir: &Path, spec: PolicySpec, raw: RawCorpus) -> Result<Corpus> {
    let preset = spec.name.clone();
    let now = raw.now.parse::<jiff::Timestamp>().context("`now` is not an RFC 3339 time")?.as_second();
    let now = u64::try_from(now).context("`now` is before 1970")?;
    let organizations = raw.organizations.iter().map(|(alias, it)| {
        let id = key::organization_id(&format!("{preset}/{alias}"));
        (alias.clone(), Organization { id, state: state(it.state, now) })
    });
    let organizations: BTreeMap<String, Organization> = organizations.collect();
    let secrets = raw.secrets.into_iter().map(|(alias, it)| {
        let secret = known_secret(&preset, &organizations, &alias, it).with_context(|| format!("secret `{alias}`"))?;
        Ok((alias, secret))
    });
    let secrets = secrets.collect::<Result<_>>()?;
    let skills = raw.skills.into_iter().map(|(alias, it)| {
        let skill = known_skill(&spec, &organizations, &alias, it).with_context(|| format!("skill `{alias}`"))?;
        Ok((alias, skill))
    });
    let skills: BTreeMap<String, KnownSkill> = skills.collect::<Result<_>>()?;
    let keys = raw.keys.into_iter().map(|(alias, it)| {
        ensure!(organizations.contains_key(&it.organization), "key `{alias}`: no organisation `{}`", it.organization);
        Ok((alias.clone(), known_key(&spec, &skills, alias, it)?))
    });
    let keys: BTreeMap<String, KnownKey> = keys.collect::<Result<_>>()?;
    let (issuers, tokens) = (raw.issuers, raw.tokens);
    let mints = |alias: &str| keys.get(alias).is_some_and(|key| key.kind == KeyKind::Minting);
    for (name, issuer) in &issuers {
        ensure!(mints(&issuer.key), "issuer `{name}`: no key of kind `issuer` is called `{}`", issuer.key);
    }
    for (name, token) in &tokens {
        ensure!(mints(&token.key), "token `{name}`: no credential, grant or issuer is called `{}`", token.key);
        let known = token.issuer.as_ref().is_none_or(|issuer| issuers.contains_key(issuer));
        ensure!(known, "token `{name}`: no issuer is called `{:?}`", token.issuer);
    }
    let mut names = BTreeSet::new();
    let known = Known { keys: &keys, tokens: &tokens };
    let cases = raw.cases.into_iter().map(|case| {
        let name = case.name.clone();
        ensure!(names.insert(name.clone()), "two cases are called `{name}`");
        build_case(case, &known).with_context(|| format!("case `{name}`"))
    });
    let cases = cases.collect::<Result<_>>()?;
    let dir = dir.to_owned();
    Ok(Corpus { preset, dir, spec, now, organizations, keys, issuers, tokens, secrets, skills, cases })
}

fn state(raw: RawState, now: u64) -> OrganizationState {
    match raw {
        RawState::Active => OrganizationState::Active,
        RawState::Suspended => OrganizationState::Suspended,
        RawState::QuotaExhausted => OrganizationState::QuotaExhausted { until: now + QUOTA_WAIT },
    }
}

fn known_key(spec: &PolicySpec, skills: &BTreeMap<String, KnownSkill>, alias: String, raw: RawKey) -> Result<KnownKey> {
    let kind = if raw.kind == RawKind::ApiKey { KeyKind::ApiKey } else { KeyKind::Minting };
    let format = spec.keys.iter().find(|format| format.environment == raw.environment);
    let format = format.filter(|_| kind == KeyKind::ApiKey);
    ensure!(format.is_some() || kind == KeyKind::Minting, "key `{alias}`: no key format for `{}`", raw.environment);
    for scope in &raw.scopes {
        let covers =
            |known: &String| known == scope || scope.strip_suffix('*').is_some_and(|all| known.starts_with(all));
        let declared = spec.scopes.iter().any(covers);
        ensure!(declared, "key `{alias}`: the policy declares no scope `{scope}`");
    }
    let skill = raw.skill.as_ref().map(|skill| {
        // A key of one organisation with another's skill is for cases: no control plane makes one.
        skills.get(skill).with_context(|| format!("key `{alias}`: no skill `{skill}`"))
    });
    let skill = skill.transpose()?.map(|skill| skill.id.to_string());
    let seed = format!("{}/{alias}", spec.name);
    let status = match raw.status {
        RawStatus::Active => KeyStatus::Active,
        RawStatus::Disabled => KeyStatus::Disabled,
        RawStatus::Revoked => KeyStatus::Revoked,
    };
    Ok(KnownKey {
        text: format.map(|format| key::generate(format, &seed)).unwrap_or_default(),
        id: key::key_id(&seed),
        alias,
        environment: raw.environment,
        organization: raw.organization,
        scopes: raw.scopes,
        status,
        expires_in: raw.expires_in,
        restrictions: RestrictionsSpec {
            ip: raw.ip,
            referrer: raw.referrer,
            endpoint: raw.endpoint,
            skill,
            ..Default::default()
        },
        skill: raw.skill,
        kind,
    })
}

/// What cases may name.
struct Known<'a> {
    keys: &'a BTreeMap<String, KnownKey>,
    tokens: &'a BTreeMap<String, KnownToken>,
}

impl Known<'_> {
    fn key(&self, alias: &str) -> Result<()> {
        ensure!(self.keys.contains_key(alias), "no key is called `{alias}`");
        Ok(())
    }

    fn piece(&self, piece: &Piece) -> Result<()> {
        match piece {
            Piece::Bytes(_) => {}
            Piece::Key(alias) => {
                self.key(alias)?;
                let presented = self.keys.get(alias).is_some_and(|key| key.kind == KeyKind::ApiKey);
                ensure!(presented, "`{alias}` is never presented itself; mint a token for it");
            }
            Piece::Token(name) => ensure!(self.tokens.contains_key(name), "no token is called `{name}`"),
        }
        Ok(())
    }
}

fn build_case(raw: RawCase, keys: &Known<'_>) -> Result<Case> {
    let expect = expectation(raw.expect, keys)?;
    consistent(&expect)?;
    let headers = raw.headers.into_iter().map(|(name, value)| {
        ensure!(name == name.to_ascii_lowercase(), "header `{name}` must be in lower case");
        Ok((name, pieces(&value, keys)?))
    });
    Ok(Case {
        name: raw.name,
        method: raw.method,
        from: raw.from.map_or(Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)), |from| from.parse())?,
        headers: headers.collect::<Result<_>>()?,
        path: raw.path.map(|path| pieces(&path, keys)).transpose()?,
        expect,
        envoy: raw.envoy.map(|raw| expectation(raw, keys)).transpose()?,
        explain: raw.explain.map(|raw| expectation(raw, keys)).transpose()?,
        without_policy: raw.without_policy,
    })
}

fn pieces(text: &str, known: &Known<'_>) -> Result<Vec<Piece>> {
    let pieces = escape::parse(text)?;
    pieces.iter().try_for_each(|piece| known.piece(piece))?;
    Ok(pieces)
}

fn expectation(raw: RawExpectation, known: &Known<'_>) -> Result<Expectation> {
    let code = |name: String| Code::from_name(&name).with_context(|| format!("no code `{name}`"));
    let reason = |name: String| Reason::from_name(&name).with_context(|| format!("no reason `{name}`"));
    raw.key.as_deref().map_or(Ok(()), |alias| known.key(alias))?;
    Ok(Expectation {
        status: raw.status,
        grpc_status: raw.grpc_status,
        code: raw.code.map(code).transpose()?,
        reason: raw.reason.map(reason).transpose()?,
        message: raw.message,
        headers: raw.headers,
        without_headers: raw.without_headers,
        environment: raw.environment,
        key: raw.key,
        organization: raw.organization,
        scopes: raw.scopes,
        subject: raw.subject,
        observed: raw.observed.into_iter().map(reason).collect::<Result<_>>()?,
        hidden: raw.hidden,
        service: raw.service,
        sent_path: raw.sent_path,
        sent_host: raw.sent_host,
        sent_headers: raw.sent_headers,
        reference: raw.reference,
    })
}

/// An expectation that no answer of the engine could meet is a mistake in the corpus.
fn consistent(expect: &Expectation) -> Result<()> {
    match (expect.code, expect.reason) {
        (None, None) => {
            ensure!(expect.status == 200, "a denial needs `code` and `reason`");
            ensure!(expect.key.is_some() == expect.environment.is_some(), "`key` and `environment` come together");
        }
        (Some(code), Some(reason)) => {
            let status = if expect.grpc_status.is_some() { 200 } else { code.status() };
            ensure!(reason.code() == code, "reason `{reason}` has the code `{}`", reason.code());
            ensure!(expect.status == status, "code `{code}` has the status {status}");
            ensure!(
                expect.grpc_status.is_none_or(|grpc| grpc == code.grpc_status()),
                "code `{code}` has another grpc-status"
            );
        }
        _ => bail!("a denial needs both `code` and `reason`"),
    }
    let is_sent = expect.sent_path.is_some() || expect.sent_host.is_some() || !expect.sent_headers.is_empty();
    ensure!(expect.service.is_some() || !is_sent, "what is sent without a `service`");
    ensure!(expect.reference.is_none() || !expect.is_allowed(), "`reference` is of a denial");
    Ok(())
}
