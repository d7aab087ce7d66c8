//! Enums of words on the wire, written out. It knows no enum; each stands where it means something.
//!
//! Invariant: a word that is not listed is refused, and the refusal lists those that are.

/// An enum of words on the wire. What serde derives does the same and takes a kilobyte and a half more of the module for each.
macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),* }) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(match self { $(Self::$variant => $word,)* })
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = alloc::string::String::deserialize(deserializer)?;
                match word.as_str() {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(D::Error::unknown_variant(&word, &[$($word),*])),
                }
            }
        }
    };
}
