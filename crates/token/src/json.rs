//! JSON with one meaning: objects in which a name stands twice are refused, at any level (RFC 8725, section 2.6).
//!
//! It keeps only what claims need: that a value is `true` or `null` is forgotten, that it is there is not. Invariant:
//! what it returns was whole, valid UTF-8 and unambiguous; nesting is limited by `serde_json`, so nothing here can
//! exhaust the stack.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::base64url;

/// An object's members.
pub(crate) type Object = BTreeMap<String, Json>;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// `null`, `true` or `false`: no claim that is read here.
    Other,
    /// A number; times are exact up to 2^53.
    Number(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(Object),
}

impl Json {
    /// The string, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The members, if it is an object.
    pub(crate) fn object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }
}

/// The object that these bytes are.
pub(crate) fn read(bytes: &[u8]) -> Option<Object> {
    match serde_json::from_slice(bytes).ok()? {
        Json::Object(object) => Some(object),
        _ => None,
    }
}

/// The object in one part of a token.
pub(crate) fn read_part(part: &[u8]) -> Option<Object> {
    read(&base64url::decode(part)?)
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Whole)
    }
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = values.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Object::new();
        while let Some(name) = members.next_key()? {
            match object.entry(name) {
                Entry::Vacant(place) => place.insert(members.next_value()?),
                Entry::Occupied(_) => return Err(A::Error::custom("a name twice")),
            };
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, accepted: bool) {
        assert_eq!(read(text.as_bytes()).is_some(), accepted, "{text}");
    }

    #[test]
    fn objects_without_a_name_twice() {
        for text in
            ["{}", " {\r\n\t\"a\" : 1 } ", r#"{"a":{"b":1},"b":{"b":2}}"#, r#"{"a":null,"b":[true,-1,1.5,"x"]}"#]
        {
            check(text, true);
        }
        for text in [
            "",
            "null",
            "[]",
            "\"a\"",
            "1",
            "{",
            "{} {}",
            "{},",
            "\u{feff}{}",
            "{\"a\":1,}",
            "{'a':1}",
            "{\"a\":01}",
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"x":{"a":1,"a":1}}"#,
            r#"{"x":[[{"a":1,"b":2,"a":1}]]}"#,
            r#"{"a":"\ud800"}"#,
            "{\"a\":\"\u{1}\"}",
            r#"{"a":NaN}"#,
            r#"{"a":1e999}"#,
            r#"{"a":+1}"#,
        ] {
            check(text, false);
        }
        assert!(read(b"{\"a\":\"\xff\"}").is_none(), "not UTF-8");
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            check(&["{\"a\":", &open.repeat(1_000), "1", &close.repeat(1_000), "}"].concat(), false);
            check(&["{\"a\":", &open.repeat(20), "1", &close.repeat(20), "}"].concat(), true);
        }
    }
}
