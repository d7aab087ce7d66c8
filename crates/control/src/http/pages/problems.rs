//! What the domain refuses, said where people can put it right: below the field that it is about.

use crate::error::Error;
use crate::http::failure::Failure;
use crate::pages::form::Problems;

/// Members of a request by their JSON pointers, and the fields that show them. `/restrictions/ip` covers what is below
/// it; of several that fit the longest counts, and `""` takes the rest.
pub(super) type Places = [(&'static str, &'static str)];

/// What is wrong below its field. What no field can put right goes on as it is.
pub(super) fn beside(error: Error, places: &Places) -> Result<Problems, Failure> {
    let (Error::Invalid { pointer, detail } | Error::Taken { pointer, detail }) = error else {
        return Err(error.into());
    };
    let covers = |place: &str| {
        pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || place.is_empty())
    };
    let fitting = places.iter().filter(|(place, _)| covers(place)).max_by_key(|(place, _)| place.len());
    match fitting {
        Some((place, field)) => {
            let entry = pointer.strip_prefix(place).and_then(entry);
            Ok(Problems(vec![(*field, entry.unwrap_or_default() + &sentence(&detail))]))
        }
        None => Err(Error::Invalid { pointer, detail }.into()),
    }
}

/// Which entry of a list is wrong.
fn entry(rest: &str) -> Option<String> {
    let index: usize = rest.rsplit('/').next()?.parse().ok()?;
    Some(format!("Entry {}: ", index + 1))
}

/// An error's text as a sentence, and its hint as one more; errors themselves begin small and have no full stop.
pub(super) fn sentence(text: &str) -> String {
    text.split("\nhint: ").map(one_sentence).collect::<Vec<_>>().join(" ")
}

fn one_sentence(text: &str) -> String {
    let text = text.replace('\n', " ");
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    let ended = text.ends_with(['.', '!', '?']) || text.is_empty();
    format!("{first}{}{}", letters.as_str(), if ended { "" } else { "." })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_stand_below_the_closest_field() {
        const PLACES: &Places = &[
            ("/name", "name"),
            ("/restrictions", "endpoint_allow"),
            ("/restrictions/ip", "ip_allow"),
            ("/restrictions/ip/deny", "ip_deny"),
        ];
        for (pointer, expected) in [
            ("/name", Some(("name", ""))),
            ("/names", None),
            ("/restrictions/ip/deny/3", Some(("ip_deny", "Entry 4: "))),
            ("/restrictions/ip/allow/0", Some(("ip_allow", "Entry 1: "))),
            ("/restrictions/ipx", Some(("endpoint_allow", ""))),
            ("", None),
        ] {
            let found = beside(Error::invalid(pointer, "expected 1 to 3"), PLACES);
            let found = found.ok().map(|Problems(found)| found);
            assert_eq!(
                found,
                expected.map(|(field, entry)| vec![(field, format!("{entry}Expected 1 to 3."))]),
                "{pointer}"
            );
        }
        assert_eq!(sentence("there is no `x`\nhint: did you mean `y`?"), "There is no `x`. Did you mean `y`?");
        assert!(beside(Error::NotFound("key"), &[("", "name")]).is_err());
        assert_eq!(beside(Error::invalid("/x", "y"), &[("", "name")]).unwrap().0[0].0, "name");
    }
}
