//! Services and their secrets as they are typed and printed: `weather:weather_api_key,weather_user`.

use portcullis_api::skills::ServiceLink;
use portcullis_engine::skill::is_secret_name;
use portcullis_sdk::Error;

use crate::exit::Failure;
use crate::refused::{Given, naming};

/// A service that a skill uses, as it was typed: looked at where nothing of it is repeated.
#[derive(Debug, clap::Args)]
pub(super) struct Uses {
    /// A service of the policy's that it may use, and the names of the secrets that may be sent to it. Repeat it for each.
    #[arg(long = "use", value_name = "SERVICE[:SECRET,SECRET]")]
    uses: Vec<String>,
}

impl Uses {
    /// The services; empty = none was given.
    pub(super) fn links(&self) -> Result<Vec<ServiceLink>, Failure> {
        self.uses.iter().map(|text| link(text)).collect()
    }
}

/// Somebody may take the place of a name for that of a value.
fn link(text: &str) -> Result<ServiceLink, Failure> {
    let (service, secrets) = text.split_once(':').unwrap_or((text, ""));
    let secrets: Vec<_> = secrets.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect();
    let names_only = "a service is followed by names of secrets, never by a value\nhint: --use weather:weather_api_key";
    let fine = !service.is_empty() && secrets.iter().all(|it| is_secret_name(it.as_bytes()));
    if fine { Ok(ServiceLink { service: service.to_owned(), secrets }) } else { Err(Failure::usage(names_only)) }
}

/// A refusal that says which of the services it is about.
pub(super) fn refusal(error: Error, links: &[ServiceLink]) -> Failure {
    let pointers: Vec<_> = (0..links.len()).map(|index| format!("/services/{index}/service")).collect();
    let given = pointers.iter().zip(links).map(|(pointer, link)| Given {
        pointer,
        what: "service",
        values: std::slice::from_ref(&link.service),
    });
    naming(error, &given.collect::<Vec<_>>())
}

/// As it would be typed.
pub(super) fn text(link: &ServiceLink) -> String {
    if link.secrets.is_empty() { link.service.clone() } else { format!("{}:{}", link.service, link.secrets.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_printed_and_no_value_is_taken_for_a_name() {
        for (typed, expected) in [
            ("weather:weather_api_key", Some("weather:weather_api_key")),
            ("crm:a,b", Some("crm:a,b")),
            ("crm:", Some("crm")),
            ("crm", Some("crm")),
            ("crm:Hunter2", None),
            ("crm:a=secret", None),
            (":a", None),
            ("", None),
        ] {
            assert_eq!(link(typed).ok().map(|it| text(&it)).as_deref(), expected, "{typed}");
        }
    }
}
