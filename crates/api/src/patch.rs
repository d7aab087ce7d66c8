//! A member of a PATCH body, which can be absent, `null` or a value; the three mean different things.
//!
//! Use with `#[serde(default, skip_serializing_if = "Patch::is_keep")]`: without the default, absent is an error.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What to do with one member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Absent: leave it as it is.
    #[default]
    Keep,
    /// `null`: take it away.
    Clear,
    /// A value: set it.
    Set(T),
}

impl<T> Patch<T> {
    /// Whether the member is absent.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Clear => serializer.serialize_none(),
            Self::Set(value) => serializer.serialize_some(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Body {
        #[serde(default, skip_serializing_if = "Patch::is_keep")]
        expires_at: Patch<String>,
    }

    #[test]
    fn absent_null_and_value_are_three_things() {
        for (json, expires_at) in [
            ("{}", Patch::Keep),
            (r#"{"expires_at":null}"#, Patch::Clear),
            (r#"{"expires_at":"2026-01-15T12:00:00Z"}"#, Patch::Set("2026-01-15T12:00:00Z".to_owned())),
        ] {
            let body = Body { expires_at };
            assert_eq!(serde_json::from_str::<Body>(json).unwrap(), body);
            assert_eq!(serde_json::to_string(&body).unwrap(), json);
        }
    }
}
