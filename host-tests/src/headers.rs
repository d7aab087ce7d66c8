//! A header map that behaves like Envoy's: lower-case names, inline headers joined into one entry.
//!
//! It checks no syntax: what a codec would refuse can still be put in, so that tests can be nastier than a codec.
//! Invariant: an inline header has at most one entry.

use std::fmt;

use crate::pairs::{self, Pairs};

/// The headers Envoy 1.40 holds inline among those a filter for API keys meets.
const INLINE: [&str; 20] = [
    ":authority",
    ":method",
    ":path",
    ":scheme",
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "origin",
    "referer",
    "te",
    "user-agent",
    "via",
    "x-forwarded-for",
    "x-request-id",
];

/// Header names and values, in order of arrival.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Pairs);

impl Headers {
    /// The first value under `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(n, _)| *n == name.as_bytes()).map(|(_, value)| value)
    }

    /// The first value under `name`, as text; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Every value under `name`.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(|(n, _)| *n == name.as_bytes()).map(|(_, value)| value)
    }

    /// Every name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        self.0.iter().map(|(name, value)| (&name[..], &value[..]))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an entry; an inline header that is there already gets the value appended instead.
    pub fn add(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        let name = name.as_ref().to_ascii_lowercase();
        let inline = INLINE.iter().any(|inline| inline.as_bytes() == name);
        match self.0.iter_mut().find(|(n, _)| inline && *n == name) {
            Some((_, present)) => append(present, value.as_ref(), if name == b"cookie" { b"; " } else { b"," }),
            None => self.0.push((name, value.as_ref().to_vec())),
        }
    }

    /// Leaves exactly one entry under `name`, where the first one was.
    pub(crate) fn replace(&mut self, name: &[u8], value: &[u8]) {
        let name = name.to_ascii_lowercase();
        match self.0.iter().position(|(n, _)| *n == name) {
            Some(first) => {
                let mut at = 0;
                self.0.retain(|(n, _)| {
                    at += 1;
                    at == first + 1 || *n != name
                });
                if let Some(entry) = self.0.get_mut(first) {
                    entry.1 = value.to_vec();
                }
            }
            None => self.0.push((name, value.to_vec())),
        }
    }

    /// Removes every entry under `name`.
    pub(crate) fn remove(&mut self, name: &[u8]) {
        let name = name.to_ascii_lowercase();
        self.0.retain(|(n, _)| *n != name);
    }

    pub(crate) fn to_wire(&self) -> Vec<u8> {
        pairs::write(self.iter())
    }

    /// What the router refuses to send on: a value that would end the header line.
    pub(crate) fn breaks_lines(&self) -> bool {
        self.iter().any(|(_, value)| value.iter().any(|byte| matches!(byte, 0 | b'\r' | b'\n')))
    }
}

/// Empty values leave no delimiter behind (`HeaderMapImpl::appendToHeader`).
fn append(present: &mut Vec<u8>, value: &[u8], delimiter: &[u8]) {
    if !value.is_empty() && !present.is_empty() {
        present.extend(delimiter);
    }
    present.extend(value);
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(entries: I) -> Self {
        let mut headers = Self::default();
        entries.into_iter().for_each(|(name, value)| headers.add(name, value));
        headers
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lossy = |bytes| String::from_utf8_lossy(bytes).into_owned();
        f.debug_list().entries(self.iter().map(|(name, value)| (lossy(name), lossy(value)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_join_only_where_envoy_joins_them() {
        let cases: [(&str, &[&str], &[&str]); 7] = [
            ("authorization", &["a", "b"], &["a,b"]),
            ("Authorization", &["a", "b", "c"], &["a,b,c"]),
            ("authorization", &["", "a", ""], &["a"]),
            ("cookie", &["a", "b"], &["a; b"]),
            ("x-api-key", &["a", "b"], &["a", "b"]),
            ("x-api-key", &["", "b"], &["", "b"]),
            ("x-portcullis-org", &["a", "b"], &["a", "b"]),
        ];
        for (name, values, expected) in cases {
            let headers: Headers = values.iter().map(|value| (name, value)).collect();
            let lower = name.to_lowercase();
            let found: Vec<_> = headers.all(&lower).map(|v| str::from_utf8(v).unwrap()).collect();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn replacing_leaves_one_entry_and_removing_leaves_none() {
        let mut headers: Headers = [("x-a", "1"), ("x-b", "2"), ("x-a", "3")].into_iter().collect();
        headers.replace(b"X-A", b"4");
        assert_eq!(headers, [("x-a", "4"), ("x-b", "2")].into_iter().collect());
        headers.replace(b"x-c", b"5");
        headers.remove(b"X-A");
        assert_eq!(headers, [("x-b", "2"), ("x-c", "5")].into_iter().collect());
    }
}
