//! How operations are refused: which status, with which body, and which operation can meet it.
//!
//! Invariant: a status that a handler, a layer or an extractor can answer with is listed for the operation.

use serde_json::{Map, Value, json};

/// What an operation takes decides how it can be refused.
pub(super) struct Takes {
    pub(super) body: bool,
    pub(super) query: bool,
    /// An id in its path.
    pub(super) id: bool,
    /// It changes something.
    pub(super) writes: bool,
    /// It has an entity tag.
    pub(super) tagged: bool,
    /// It can be made to depend on what the resource was when it was read.
    pub(super) condition: bool,
    /// It takes an `Idempotency-Key`.
    pub(super) once: bool,
    /// It wants a caller who is known.
    pub(super) caller: bool,
}

struct Refusal {
    status: &'static str,
    when: fn(&Takes) -> bool,
    description: &'static str,
}

const REFUSALS: &[Refusal] = &[
    refusal("304", |it| it.tagged, "it has not changed"),
    refusal(
        "400",
        |it| it.body || it.query || it.once,
        "`malformed_request`: the body, the query or the `Idempotency-Key` cannot be read",
    ),
    refusal("401", |it| it.caller, "`unauthorized`: no token, or one that does not work"),
    refusal("403", |it| it.caller, "`forbidden`: the caller lacks a permission, which is named"),
    refusal("404", |it| it.id, "`not_found`: there is no such thing, or it is somebody else's"),
    refusal("408", |it| it.body, "`body_too_slow`: the body did not arrive in time"),
    refusal("409", |it| it.writes, "the state of what is there does not allow it, or others are changing it too"),
    refusal("412", |it| it.condition, "`precondition_failed`: it changed since it was read"),
    refusal("413", |it| it.body, "`body_too_large`: more than the route takes, which `detail` says"),
    refusal(
        "422",
        |it| it.body || it.query || it.writes,
        "`invalid_request`: a member cannot be accepted; `pointer` says which",
    ),
    refusal("429", |_| true, "`too_many_requests`: the caller asks too often; `Retry-After` says when to go on"),
    refusal("500", |it| it.caller, "`internal`: the log has more under the request's id"),
    refusal(
        "503",
        |it| it.writes,
        "`not_ready`, `not_published`: edges cannot fetch it yet; `no_room`: too much is being sent at once",
    ),
];

const fn refusal(status: &'static str, when: fn(&Takes) -> bool, description: &'static str) -> Refusal {
    Refusal { status, when, description }
}

/// Every refusal once: as a problem, and in the envelope of the payments product.
pub(super) fn responses() -> Value {
    let mut all = Map::new();
    for it in REFUSALS {
        if it.status == "304" {
            let response = json!({ "description": it.description });
            all.insert("problem_304".to_owned(), response);
            continue;
        }
        let response = |kind: &str, schema: &str| {
            let content = json!({ kind: { "schema": { "$ref": format!("#/components/schemas/{schema}") } } });
            json!({ "description": it.description, "content": content })
        };
        all.insert(format!("problem_{}", it.status), response("application/problem+json", "Problem"));
        all.insert(format!("failed_{}", it.status), response("application/json", "Failed"));
    }
    Value::Object(all)
}

/// Those an operation can meet, by status.
pub(super) fn of(takes: &Takes, in_envelope: bool) -> impl Iterator<Item = (&'static str, Value)> {
    let kind = if in_envelope { "failed" } else { "problem" };
    let met = REFUSALS.iter().filter(|it| (it.when)(takes));
    met.map(move |it| (it.status, json!({ "$ref": format!("#/components/responses/{kind}_{}", it.status) })))
}
