//! The description of the API: open to all, checked in, and the same as what is served.
//!
//! `UPDATE_EXPECT=1 cargo test -p portcullis-control --test api openapi` rewrites the copy; read the difference.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reqwest::Method;
use serde_json::Value;

use crate::stack::Stack;

#[tokio::test]
async fn the_checked_in_description_is_what_is_served() {
    let stack = Stack::start().await;
    let answer = stack.send(Method::GET, "/v1/openapi.json", None, None).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let served = serde_json::to_string_pretty(&in_order(&answer.json())).unwrap() + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&file, &served).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == served, "crates/control/openapi.json is not what is served: UPDATE_EXPECT=1 rewrites it");
}

/// Members by their names: whether serde_json keeps them so depends on what else is built.
fn in_order(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().map(|(name, it)| (name.clone(), in_order(it))).collect();
            Value::Object(members.into_iter().collect())
        }
        Value::Array(list) => list.iter().map(in_order).collect(),
        value => value.clone(),
    }
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own_and_says_how_it_is_refused() {
    let stack = Stack::start().await;
    let document = stack.send(Method::GET, "/v1/openapi.json", None, None).await.json();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name} names two operations");
            let open = operation["security"].is_array();
            assert_eq!(operation["responses"]["401"].is_object(), !open, "{method} {path}");
            assert_ne!(operation["tags"][0], Value::Null, "{method} {path}");
        }
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(document.pointer(reference).is_some(), "{reference} is nowhere");
    }
}
