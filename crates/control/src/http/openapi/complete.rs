//! What the annotations leave out because it follows from path, method and name.
//!
//! Invariant: what an annotation says is never overwritten, except for operation ids, which are made unique.

use serde_json::{Map, Value, json};

use super::super::idempotency;
use super::object;
use super::refusals::{self, Takes};

/// Members that are times although their names do not end with `_at`.
const TIMES: &[&str] = &[
    "last_used",
    "last_report",
    "first_seen",
    "last_seen",
    "since",
    "until",
    "at",
    "signs_from",
    "signs_until",
    "accepted_until",
];

/// What has an entity tag. A part of it that is changed by itself changes the whole.
const TAGGED: &[&str] = &[
    "/v1/keys/{id}",
    "/v1/keys/{id}/trial",
    "/v1/organizations/{id}",
    "/v1/plans/{name}",
    "/v1/secrets/{id}",
    "/v1/secrets/{id}/value",
    "/v1/skills/{id}",
    "/v1/policy",
    "/v1/policy/versions/{version}",
];

/// Completes every operation and every schema.
pub(super) fn complete(document: &mut Map<String, Value>) {
    let paths = object(document, "paths").into_iter().flatten();
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            operation.as_object_mut().into_iter().for_each(|it| complete_operation(path, method, it));
        }
    }
    let schemas = object(document, "components").and_then(|it| object(it, "schemas"));
    schemas.into_iter().flatten().for_each(|(_, schema)| mark_times(schema));
}

fn complete_operation(path: &str, method: &str, operation: &mut Map<String, Value>) {
    let tag = operation.get("tags").and_then(|it| it.get(0)?.as_str()).unwrap_or_default().to_owned();
    if let Some(Value::String(id)) = operation.get_mut("operationId") {
        *id = format!("{tag}_{id}");
    }
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    let parameters = parameters.as_array_mut();
    let Some(parameters) = parameters else { return };
    for name in path.split(['{', '}']).skip(1).step_by(2) {
        if !parameters.iter().any(|it| is_named(it, name)) {
            let schema = path_schema(path, name);
            parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        }
    }
    parameters.extend(fields(path, method));
    parameters.iter_mut().for_each(without_null);
    let query = parameters.iter().any(|it| it.get("in").is_some_and(|it| it == "query"));
    // A body that may be left out is absent then, too.
    let contents = operation.get_mut("requestBody").and_then(|it| it.get_mut("content")?.as_object_mut());
    contents.into_iter().flatten().for_each(|(_, content)| without_null(content));
    let takes = Takes {
        query,
        id: path.contains('{') || names_in_body(path),
        writes: method != "get",
        condition: TAGGED.contains(&path) && changes(method),
        tagged: TAGGED.contains(&path) && method == "get",
        body: operation.contains_key("requestBody"),
        caller: !operation.contains_key("security"),
        once: idempotency::covers(method, path),
    };
    let Some(responses) = object(operation, "responses") else { return };
    for (status, refusal) in refusals::of(&takes, tag == "payments") {
        responses.entry(status).or_insert(refusal);
    }
}

/// Whether the body, or the query, names what an operation is about.
fn names_in_body(path: &str) -> bool {
    matches!(path, "/v1/keys:find" | "/v1/explain" | "/v1/quota" | "/v1/usage" | "/v1/usage/export")
}

/// Header fields that a layer takes care of, for every operation alike.
fn fields(path: &str, method: &str) -> impl Iterator<Item = Value> {
    let field = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "header", "required": false, "description": description, "schema": schema });
    let one_thing = TAGGED.contains(&path);
    let key = idempotency::covers(method, path).then(|| {
        let schema = json!({ "type": "string", "pattern": "^[!-~]{1,255}$" });
        field("Idempotency-Key", "The same key and request bring the same answer for a day.", schema)
    });
    let text = || json!({ "type": "string" });
    let condition = (one_thing && changes(method))
        .then(|| field("If-Match", "The `ETag` it had when it was read: refused if it changed since.", text()));
    let held = (one_thing && method == "get")
        .then(|| field("If-None-Match", "The `ETag` that the caller holds: 304 if it has not changed.", text()));
    key.into_iter().chain(condition).chain(held)
}

/// Whether the method changes what is at the path.
fn changes(method: &str) -> bool {
    matches!(method, "patch" | "put" | "delete")
}

fn is_named(parameter: &Value, name: &str) -> bool {
    parameter.get("name").is_some_and(|it| it == name)
}

/// What stands in a path: an id of the kind that the path is about, or a number.
fn path_schema(path: &str, name: &str) -> Value {
    let prefix = match name {
        "version" | "n" => return json!({ "type": "integer", "minimum": 1 }),
        "user" => "usr",
        "invitation" => "inv",
        "id" if path.contains("/organizations/") => "org",
        "id" if path.contains("/tokens/") => "tok",
        "id" if path.contains("/webhooks/") => "whk",
        "id" if path.contains("/secrets/") => "sec",
        "id" if path.contains("/skills/") => "skl",
        "id" if path.contains("/edge-keys/") => return json!({ "type": "string", "pattern": "^[0-9a-f]{16}$" }),
        "delivery" => "evt",
        "id" if path.contains("keys/") => "key",
        _ => return json!({ "type": "string", "minLength": 1 }),
    };
    json!({ "type": "string", "pattern": format!("^{prefix}_[0-9a-hjkmnp-tv-z]{{16}}$") })
}

/// What is not sent is absent: there is no way to write `null` into a query.
fn without_null(parameter: &mut Value) {
    let is_null = |it: &Value| it == "null" || it.get("type").is_some_and(|it| it == "null");
    let Some(schema) = parameter.get_mut("schema").and_then(Value::as_object_mut) else { return };
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|it| !is_null(it));
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("oneOf") {
        choices.retain(|it| !is_null(it));
        if let [only] = choices.as_slice() {
            *schema = only.as_object().cloned().unwrap_or_default();
        }
    }
}

/// Times are RFC 3339, and are called so.
fn mark_times(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                for (name, property) in properties.iter_mut() {
                    let is_time = name.ends_with("_at") || TIMES.contains(&name.as_str());
                    let property = property.as_object_mut().filter(|it| is_time && is_text(it));
                    property.into_iter().for_each(|it| drop(it.insert("format".to_owned(), json!("date-time"))));
                }
            }
            members.values_mut().for_each(mark_times);
        }
        Value::Array(members) => members.iter_mut().for_each(mark_times),
        _ => {}
    }
}

fn is_text(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|it| it == "string"),
        Some(one) => one == "string",
        None => false,
    }
}
