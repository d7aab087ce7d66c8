//! The plugin's configuration: JSON in `envoy.yaml`, parsed once, refused whole if anything is off.
//!
//! Invariant: a [`Config`] can be run; an empty or unknown configuration is an error, never a default.

use core::fmt;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portcullis_bundle::{ArchiveError, BlobDigest, PublicKey};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::recent::RecentSecret;
use crate::vault::EdgeKeys;

/// A configuration that can be run.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the bundle comes from.
    pub source: Source,
    /// Keys that a manifest may be signed with.
    pub public_keys: Vec<PublicKey>,
    /// Seconds after which an unrefreshed bundle no longer serves; `None` = it serves for ever.
    pub max_bundle_age: Option<u64>,
    /// What each worker keeps at hand.
    pub cache_sizes: CacheSizes,
    /// What secrets are opened with.
    pub edge_keys: EdgeKeys,
}

/// Where the bundle comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A control plane.
    Control(Control),
    /// The configuration itself: a bundle file.
    Static(Vec<u8>),
}

/// How the control plane is reached.
#[derive(Clone, Debug)]
pub struct Control {
    /// The Envoy cluster.
    pub cluster: String,
    /// The `:authority` of calls.
    pub authority: String,
    /// The bearer token of calls.
    pub token: EdgeToken,
    /// This edge's name in reports.
    pub edge_id: String,
}

impl Control {
    /// What tells this plugin's shared memory from another's: same control plane, same keys, same bundle. The token
    /// and the edge's name change nothing about that. The keys are in it since a worker believes what it finds there:
    /// whoever wrote it must have verified it with the same keys.
    pub fn identity(&self, keys: &[PublicKey]) -> BlobDigest {
        let keys: BTreeSet<String> = keys.iter().map(PublicKey::to_string).collect();
        BlobDigest::of(format!("{:?}", (&self.cluster, &self.authority, keys)).as_bytes())
    }
}

impl Control {
    /// A secret for one VM's table of lately seen keys. Nobody who does not know the edge token can work it out.
    pub fn recent_secret(&self, now_nanos: u64) -> RecentSecret {
        let digest = BlobDigest::of(format!("recent keys\n{now_nanos}\n{}", self.token.0).as_bytes());
        RecentSecret(digest.as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

/// The token edges show the control plane. Prints redacted.
#[derive(Clone)]
pub struct EdgeToken(String);

impl EdgeToken {
    /// The `authorization` value.
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for EdgeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EdgeToken(..)")
    }
}

/// Why a configuration cannot be run.
#[derive(Debug)]
pub struct ConfigError(String);

impl ConfigError {
    /// The bundle in the configuration is not to be trusted.
    pub fn bundle(error: ArchiveError) -> Self {
        fail(format_args!("bundle: {error}"))
    }

    /// Secrets could be opened here, and answers that hold them would pass unseen.
    pub fn unguarded() -> Self {
        fail(format_args!(
            "edge_keys: this module does not look at answers, so it gives out no secrets; hint: load portcullis-egress.wasm"
        ))
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    cluster: Option<String>,
    authority: Option<String>,
    edge_token: Option<String>,
    edge_id: Option<String>,
    bundle: Option<String>,
    public_keys: Vec<String>,
    #[serde(default)]
    max_bundle_age_seconds: u64,
    cache_bytes: Option<usize>,
    token_cache_bytes: Option<usize>,
    edge_keys: Option<Vec<String>>,
    edge_keys_env: Option<String>,
}

/// How much a worker keeps at hand, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSizes {
    /// Of key records.
    pub keys: usize,
    /// Of verified access tokens.
    pub tokens: usize,
}

impl CacheSizes {
    const DEFAULT: Self = Self { keys: 2 << 20, tokens: 4 << 20 };
    const LEAST: usize = 64 << 10;

    fn read(keys: Option<usize>, tokens: Option<usize>) -> Self {
        let Self { keys: usual_keys, tokens: usual_tokens } = Self::DEFAULT;
        Self {
            keys: keys.unwrap_or(usual_keys).max(Self::LEAST),
            tokens: tokens.unwrap_or(usual_tokens).max(Self::LEAST),
        }
    }
}

impl Config {
    /// Parses a configuration; `environment` gives variables of the proxy's environment.
    pub fn parse(json: &[u8], environment: impl Fn(&str) -> Option<Vec<u8>>) -> Result<Self, ConfigError> {
        let wire: Wire = serde_json::from_slice(json).map_err(malformed)?;
        let public_keys = wire.public_keys.iter().enumerate().map(|(index, text)| {
            text.parse().map_err(|error| {
                // Never the text: it may be the token, put into the wrong field.
                fail(format_args!("public_keys[{index}] is {error}; hint: it is in the control plane's edge.env"))
            })
        });
        let public_keys = public_keys.collect::<Result<Vec<_>, _>>()?;
        if public_keys.is_empty() {
            return Err(fail(format_args!("public_keys: at least one is needed")));
        }
        let max_bundle_age = Some(wire.max_bundle_age_seconds).filter(|seconds| *seconds > 0);
        let cache_sizes = CacheSizes::read(wire.cache_bytes, wire.token_cache_bytes);
        let variable = wire.edge_keys_env.as_deref().filter(|name| !name.is_empty());
        let edge_keys = edge_keys(wire.edge_keys.as_deref(), variable, environment)?;
        Ok(Self { source: source(wire)?, public_keys, max_bundle_age, cache_sizes, edge_keys })
    }
}

/// The private keys, written out or in a variable. Never a word of them in an error.
fn edge_keys(
    written: Option<&[String]>,
    variable: Option<&str>,
    environment: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<EdgeKeys, ConfigError> {
    let (place, texts) = match (written, variable) {
        (Some(_), Some(_)) => {
            return Err(fail(format_args!(
                "edge_keys: means nothing beside `edge_keys_env`; hint: leave one of them out"
            )));
        }
        (Some(texts), None) => ("edge_keys", Zeroizing::new(texts.join(","))),
        (None, Some(name)) => {
            let value = environment(name).and_then(|it| String::from_utf8(it).ok()).map(Zeroizing::new);
            let missing = || {
                fail(format_args!(
                    "edge_keys_env: there is no variable `{name}`; hint: set it where the proxy is started, name it in \
                     vm_config.environment_variables.host_env_keys, and load portcullis-egress.wasm"
                ))
            };
            ("edge_keys_env", value.ok_or_else(missing)?)
        }
        (None, None) => return Ok(EdgeKeys::new(Vec::new())),
    };
    let texts = texts.split(',').map(str::trim).filter(|text| !text.is_empty()).enumerate();
    let keys = texts.map(|(index, text)| {
        text.parse().map_err(|error| {
            fail(format_args!("{place}[{index}] is {error}; hint: `portcullis edge-keys generate` makes one"))
        })
    });
    keys.collect::<Result<_, _>>().map(EdgeKeys::new)
}

fn source(wire: Wire) -> Result<Source, ConfigError> {
    let only_with_cluster = [
        ("authority", wire.authority.is_some()),
        ("edge_token", wire.edge_token.is_some()),
        ("edge_id", wire.edge_id.is_some()),
        ("cache_bytes", wire.cache_bytes.is_some()),
        ("token_cache_bytes", wire.token_cache_bytes.is_some()),
    ];
    match (wire.bundle, wire.cluster) {
        (Some(bundle), None) => {
            if let Some((field, _)) = only_with_cluster.iter().find(|(_, present)| *present) {
                return Err(fail(format_args!(
                    "`{field}` means nothing beside `bundle`; hint: leave it out, or name a `cluster` instead of `bundle`"
                )));
            }
            let bytes = STANDARD.decode(bundle.trim()).map_err(|error| fail(format_args!("bundle: {error}")))?;
            Ok(Source::Static(bytes))
        }
        (None, Some(cluster)) => {
            let token = wire.edge_token.filter(|token| is_token(token));
            let token = token.ok_or_else(|| fail(format_args!("edge_token: one line of visible ASCII is needed")))?;
            Ok(Source::Control(Control {
                authority: wire.authority.unwrap_or_else(|| cluster.clone()),
                edge_id: wire.edge_id.unwrap_or_else(|| "edge".into()),
                token: EdgeToken(token),
                cluster,
            }))
        }
        _ => Err(fail(format_args!("exactly one of `cluster` and `bundle` is needed"))),
    }
}

fn is_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What serde says, unless it would quote a value: that may be the token, put into the wrong field.
fn malformed(error: serde_json::Error) -> ConfigError {
    let text = error.to_string();
    if text.starts_with("invalid type") || text.starts_with("invalid value") {
        return fail(format_args!("a value has the wrong type at line {} column {}", error.line(), error.column()));
    }
    fail(format_args!("{text}"))
}

fn fail(problem: fmt::Arguments<'_>) -> ConfigError {
    ConfigError(format!("plugin configuration: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &str) {
        let error = Config::parse(json.as_bytes(), |_| None).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("pce_secret"), "{error}");
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        let key = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
        let with = |rest: &str| format!(r#"{{"public_keys":["{key}"]{rest}}}"#);
        check("", "EOF");
        check("{}", "public_keys");
        check(&with(""), "exactly one of `cluster` and `bundle`");
        check(&with(r#","cluster":"c","bundle":"x""#), "exactly one of `cluster` and `bundle`");
        check(&with(r#","cluster":"c""#), "edge_token");
        check(&with(r#","cluster":"c","edge_token":"two words""#), "edge_token");
        check(&with(r#","bundle":"*""#), "bundle");
        check(&with(r#","cluster":"c","edge_tokens":"pce_x""#), "unknown field");
        check(&with(r#","max_bundle_age_seconds":"pce_secret""#), "wrong type");
        check(r#"{"public_keys":["zz"]}"#, "edge.env");
        check(r#"{"public_keys":["pce_secret"]}"#, "public_keys[0]");
        check(&format!(r#"{{"public_keys":["{key}","pce_secret"],"cluster":"c"}}"#), "public_keys[1]");
        for field in [
            r#""authority":"a""#,
            r#""edge_token":"pce_secret""#,
            r#""edge_id":"e""#,
            r#""cache_bytes":1"#,
            r#""token_cache_bytes":1"#,
        ] {
            check(&with(&format!(r#","bundle":"",{field}"#)), "means nothing beside `bundle`; hint:");
        }
        check(r#"{"public_keys":[]}"#, "at least one");
    }
    #[test]
    fn shared_memory_is_told_apart_by_control_plane_and_keys_alone() {
        let one = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
        let two = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let identity = |cluster: &str, token: &str, edge: &str, keys: &[&str]| {
            let keys = serde_json::to_string(keys).unwrap();
            let json = format!(
                r#"{{"cluster":"{cluster}","authority":"a","edge_token":"{token}","edge_id":"{edge}","public_keys":{keys}}}"#
            );
            let config = Config::parse(json.as_bytes(), |_| None).unwrap();
            let Source::Control(control) = config.source else { panic!("no control plane") };
            control.identity(&config.public_keys)
        };
        let base = identity("c", "t", "e", &[one, two]);
        assert_eq!(base, identity("c", "rotated", "renamed", &[two, one, two]));
        assert_ne!(base, identity("d", "t", "e", &[one, two]), "another control plane");
        assert_ne!(base, identity("c", "t", "e", &[one]), "other keys");
    }
}
