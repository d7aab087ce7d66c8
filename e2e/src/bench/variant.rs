//! The Envoys that are compared: one configuration, but for the filter that checks the key.
//!
//! The upstream is a direct response of the same Envoy, so that the filter makes the difference. Invariant: everything
//! a variant does not need is in none of them.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::NamedModule;
use super::services::Callers;
use super::tokens::Bearers;
use crate::ports::local;

/// One way of checking a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variant {
    /// No check at all: what the others add is counted from here.
    Bare,
    /// Envoy's own API key filter.
    ApiKeyAuth,
    /// A wasm filter that does nothing.
    Noop,
    /// A Lua script with a table of keys.
    Lua,
    /// A call to a service that says yes at once.
    ExtAuthz,
    /// Ours.
    Portcullis,
    /// Ours, under a policy that tells the upstream the key's name and environment alone.
    FewHeaders,
    /// Ours, for keys that nobody was given.
    Rejected,
    /// Ours, for keys whose organisation has a quota.
    Quota,
    /// Ours, for keys whose organisation has a quota and a rate.
    Limited,
    /// Ours, for keys with a rate each, whose organisation has a quota.
    KeyRates,
    /// The same, under a policy that tells on every answer where they stand.
    Told,
    /// Ours, for API keys under a policy that accepts tokens.
    BesideTokens,
    /// The same, for tokens that were verified before.
    Tokens,
    /// The same, where next to no token is remembered.
    NewTokens,
    /// Ours in the build that looks at answers, for keys without a skill.
    BesideServices,
    /// The same, for requests that go to a service with its credential.
    Services,
    /// A module that does one thing, by its place in [`Ingredients::calls`].
    Call(usize),
    /// Another build of ours, by its place in [`Ingredients::others`].
    Other(usize),
    /// Another build of the module that looks at answers, for requests to services.
    OtherServices(usize),
}

impl Variant {
    pub(super) const ALL: [Self; 17] = [
        Self::Bare,
        Self::ApiKeyAuth,
        Self::Noop,
        Self::Lua,
        Self::ExtAuthz,
        Self::Portcullis,
        Self::FewHeaders,
        Self::Rejected,
        Self::Quota,
        Self::Limited,
        Self::KeyRates,
        Self::Told,
        Self::BesideTokens,
        Self::Tokens,
        Self::NewTokens,
        Self::BesideServices,
        Self::Services,
    ];

    /// Whether it is a build of ours.
    pub(super) fn is_ours(self) -> bool {
        !matches!(self, Self::Bare | Self::ApiKeyAuth | Self::Noop | Self::Lua | Self::ExtAuthz | Self::Call(_))
    }

    /// Whose requests it is measured with.
    pub(super) fn keys(self, from: &Ingredients) -> &[String] {
        match self {
            Self::Quota => &from.limited.quota,
            Self::Limited => &from.limited.both,
            Self::KeyRates => &from.limited.key_rates,
            Self::Told => &from.told.keys,
            Self::FewHeaders => &from.few_headers.keys,
            Self::Rejected => &from.strangers,
            Self::BesideTokens => &from.bearers.keys,
            Self::Tokens | Self::NewTokens => &from.bearers.tokens,
            Self::BesideServices => &from.callers.plain,
            Self::Services | Self::OtherServices(_) => &from.callers.skilled,
            _ => &from.keys,
        }
    }

    /// What they are answered.
    pub(super) fn status(self) -> u16 {
        if self == Self::Rejected { 401 } else { 200 }
    }

    /// Where they go.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::BesideServices => "/own/api/v1/skills?limit=20",
            Self::Services | Self::OtherServices(_) => "/services/crm/v1/skills?limit=20",
            _ => "/api/v1/skills?limit=20",
        }
    }

    pub(super) fn name(self, from: &Ingredients) -> &str {
        match self {
            Self::Call(index) => from.calls.get(index).map_or("", |call| &call.name),
            Self::Other(index) => from.others.get(index).map_or("", |other| &other.name),
            Self::OtherServices(index) => from.other_services.get(index).map_or("", |other| &other.name),
            own => own.own_name(),
        }
    }

    /// What it is called whatever is measured beside it; nothing if that depends.
    fn own_name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::ApiKeyAuth => "api_key_auth",
            Self::Noop => "noop",
            Self::Lua => "lua",
            Self::ExtAuthz => "ext_authz",
            Self::Portcullis => "portcullis",
            Self::FewHeaders => "two headers",
            Self::Rejected => "rejected",
            Self::Quota => "quota",
            Self::Limited => "limited",
            Self::KeyRates => "key rates",
            Self::Told => "told",
            Self::BesideTokens => "beside tokens",
            Self::Tokens => "tokens",
            Self::NewTokens => "new tokens",
            Self::BesideServices => "beside services",
            Self::Services => "services",
            Self::Call(_) | Self::Other(_) | Self::OtherServices(_) => "",
        }
    }

    /// That which is called so.
    pub(super) fn named(name: &str) -> anyhow::Result<Self> {
        Self::ALL.into_iter().find(|it| it.own_name() == name).with_context(|| {
            format!("no variant `{name}`\nhint: they are `{}`", Self::ALL.map(Self::own_name).join("`, `"))
        })
    }
}

/// What the filters are made from.
pub(super) struct Ingredients {
    pub(super) keys: Vec<String>,
    /// Well-formed keys that nobody was given.
    pub(super) strangers: Vec<String>,
    pub(super) limited: LimitedKeys,
    pub(super) told: Apart,
    pub(super) few_headers: Apart,
    pub(super) bearers: Bearers,
    pub(super) callers: Callers,
    pub(super) noop_module: String,
    pub(super) portcullis_module: String,
    pub(super) egress_module: String,
    pub(super) calls: Vec<NamedModule>,
    pub(super) others: Vec<NamedModule>,
    pub(super) other_services: Vec<NamedModule>,
    pub(super) portcullis_configuration: Value,
    pub(super) authority_port: u16,
    pub(super) control_port: u16,
}

/// Keys of organisations with limits.
pub(super) struct LimitedKeys {
    pub(super) quota: Vec<String>,
    pub(super) both: Vec<String>,
    pub(super) key_rates: Vec<String>,
}

/// A control plane with a policy of its own, and keys that it gave out.
pub(super) struct Apart {
    pub(super) keys: Vec<String>,
    pub(super) configuration: Value,
    pub(super) control_port: u16,
}

/// A whole Envoy configuration. JSON is YAML.
pub(super) fn configuration(variant: Variant, ingredients: &Ingredients, edge: u16, admin: u16) -> Value {
    let filters: Vec<Value> = key_filter(variant, ingredients).into_iter().chain([router()]).collect();
    let clusters = match variant {
        Variant::ExtAuthz => vec![cluster("authority", ingredients.authority_port)],
        Variant::Told => vec![cluster("portcullis_control", ingredients.told.control_port)],
        Variant::FewHeaders => vec![cluster("portcullis_control", ingredients.few_headers.control_port)],
        Variant::BesideTokens | Variant::Tokens | Variant::NewTokens => {
            vec![cluster("portcullis_control", ingredients.bearers.control_port)]
        }
        Variant::BesideServices | Variant::Services | Variant::OtherServices(_) => {
            vec![cluster("portcullis_control", ingredients.callers.control_port)]
        }
        _ if variant.is_ours() => vec![cluster("portcullis_control", ingredients.control_port)],
        _ => vec![],
    };
    let copies = if variant.is_ours() { copies() } else { json!([]) };
    envoy(edge, admin, &filters, &clusters, &copies)
}

/// No filter that checks a key.
pub(super) fn bare(edge: u16, admin: u16) -> Value {
    envoy(edge, admin, &[router()], &[], &json!([]))
}

/// A build of ours, for the keys of one control plane.
pub(super) fn ours(module: &str, plugin: &Value, control: u16, edge: u16, admin: u16) -> Value {
    let filters = [wasm("portcullis", module, &plugin.to_string()), router()];
    envoy(edge, admin, &filters, &[cluster("portcullis_control", control)], &copies())
}

/// As envoy.yaml has them.
fn copies() -> Value {
    let copy = |from: &str, to: &str| {
        let header = json!({ "key": to, "value": format!("%REQ({from})%") });
        json!({ "header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD" })
    };
    json!([copy("x-portcullis-ratelimit", "RateLimit"), copy("x-portcullis-ratelimit-policy", "RateLimit-Policy"),])
}

/// The service that `ext_authz` asks: an Envoy that answers 200 to anything.
pub(super) fn authority(port: u16, admin: u16) -> Value {
    envoy(port, admin, &[router()], &[], &json!([]))
}

fn envoy(port: u16, admin: u16, filters: &[Value], clusters: &[Value], copies: &Value) -> Value {
    let answer = json!({ "status": 200, "body": { "inline_string": "ok\n" } });
    let routes = json!({ "name": "edge", "virtual_hosts": [{
        "name": "edge", "domains": ["*"], "routes": [{ "match": { "prefix": "/" }, "direct_response": answer }],
        "response_headers_to_add": copies,
    }] });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "edge",
        "use_remote_address": true,
        "normalize_path": true,
        "http_filters": filters,
        "route_config": routes,
    });
    let chain =
        json!({ "filters": [{ "name": "envoy.filters.network.http_connection_manager", "typed_config": manager }] });
    json!({
        "admin": { "address": address(admin) },
        "static_resources": {
            "clusters": clusters,
            "listeners": [{ "name": "edge", "address": address(port), "filter_chains": [chain] }],
        },
    })
}

fn key_filter(variant: Variant, from: &Ingredients) -> Option<Value> {
    match variant {
        Variant::Bare => None,
        Variant::ApiKeyAuth => Some(api_key_auth(&from.keys)),
        Variant::Noop => Some(wasm("noop", &from.noop_module, "")),
        Variant::Call(index) => from.calls.get(index).map(|call| wasm("call", &call.path.display().to_string(), "")),
        Variant::Lua => Some(filter(
            "lua",
            "Lua",
            json!({ "default_source_code": { "inline_string": LUA.replace("KEYS", &from.keys.join("\n")) } }),
        )),
        Variant::ExtAuthz => Some(ext_authz(from.authority_port)),
        Variant::Portcullis | Variant::Rejected | Variant::Quota | Variant::Limited | Variant::KeyRates => {
            Some(wasm("portcullis", &from.portcullis_module, &from.portcullis_configuration.to_string()))
        }
        Variant::Told => Some(wasm("portcullis", &from.portcullis_module, &from.told.configuration.to_string())),
        Variant::FewHeaders => {
            Some(wasm("portcullis", &from.portcullis_module, &from.few_headers.configuration.to_string()))
        }
        Variant::BesideTokens | Variant::Tokens => {
            Some(wasm("portcullis", &from.portcullis_module, &from.bearers.configuration.to_string()))
        }
        Variant::NewTokens => Some(wasm("portcullis", &from.portcullis_module, &from.bearers.forgetful().to_string())),
        Variant::BesideServices | Variant::Services => {
            Some(wasm("portcullis", &from.egress_module, &from.callers.configuration.to_string()))
        }
        Variant::OtherServices(index) => from.other_services.get(index).map(|other| {
            wasm("portcullis", &other.path.display().to_string(), &from.callers.configuration.to_string())
        }),
        Variant::Other(index) => from.others.get(index).map(|other| {
            wasm("portcullis", &other.path.display().to_string(), &from.portcullis_configuration.to_string())
        }),
    }
}

fn api_key_auth(keys: &[String]) -> Value {
    let credential = |(index, key): (usize, &String)| json!({ "key": key, "client": format!("client-{index}") });
    filter(
        "api_key_auth",
        "ApiKeyAuth",
        json!({
            "credentials": keys.iter().enumerate().map(credential).collect::<Vec<_>>(),
            "key_sources": [{ "header": "authorization" }],
            "forwarding": { "header": "x-client-id", "hide_credentials": true },
        }),
    )
}

fn ext_authz(port: u16) -> Value {
    let server = json!({ "uri": format!("http://{}", local(port)), "cluster": "authority", "timeout": "5s" });
    filter("ext_authz", "ExtAuthz", json!({ "http_service": { "server_uri": server } }))
}

const LUA: &str = r#"
local keys, count = {}, 0
for key in string.gmatch([[
KEYS
]], "%S+") do
  count = count + 1
  keys[key] = "client-" .. count
end
function envoy_on_request(handle)
  local headers = handle:headers()
  local value = headers:get("authorization")
  local client = value and keys[string.sub(value, 8)]
  if not client then
    handle:respond({ [":status"] = "401" }, "Invalid API key")
    return
  end
  headers:replace("x-client-id", client)
  headers:remove("authorization")
end
"#;

fn wasm(name: &str, module: &str, configuration: &str) -> Value {
    filter(
        "wasm",
        "Wasm",
        json!({ "config": {
        "name": name,
        "root_id": name,
        "failure_policy": "FAIL_RELOAD",
        "vm_config": { "vm_id": name, "runtime": "envoy.wasm.runtime.v8", "code": { "local": { "filename": module } } },
        "configuration": { "@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration },
    } }),
    )
}

fn router() -> Value {
    filter("router", "Router", json!({}))
}

fn filter(name: &str, kind: &str, mut config: Value) -> Value {
    config["@type"] = format!("type.googleapis.com/envoy.extensions.filters.http.{name}.v3.{kind}").into();
    json!({ "name": format!("envoy.filters.http.{name}"), "typed_config": config })
}

fn cluster(name: &str, port: u16) -> Value {
    let endpoint = json!({ "endpoint": { "address": address(port) } });
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": [endpoint] }] },
    })
}

fn address(port: u16) -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": port } })
}
