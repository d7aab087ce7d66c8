//! Credentials from the environment, and where a secret may go.

use super::super::credentials::other_prefix;
use super::super::error::SendError;
use super::*;

const GOOD: [(&str, &str); 4] = [
    ("ORG_ID", "org_1"),
    ("API_KEY", "key_1"),
    ("API_SECRET", SECRET),
    ("AUTH_API_URL", "https://control.example.com/auth/"),
];

fn read(prefix: &str, changed: Option<(&str, Option<&str>)>) -> Result<Credentials, TokenError> {
    Credentials::from_variables(prefix, |name| {
        let suffix = name.strip_prefix(prefix)?.strip_prefix('_')?;
        if let Some((_, value)) = changed.filter(|(name, _)| *name == suffix) {
            return value.map(str::to_owned);
        }
        GOOD.iter().find(|(name, _)| *name == suffix).map(|(_, value)| format!(" {value}\n"))
    })
}

#[test]
fn they_are_read() {
    for prefix in ["PORTCULLIS", "SCOPE"] {
        let read = read(prefix, None).unwrap();
        assert_eq!((read.organization.as_str(), read.key.as_str(), read.secret.expose()), ("org_1", "key_1", SECRET));
        assert_eq!(read.auth_url.as_str(), "https://control.example.com/auth/");
    }
}

#[test]
fn errors_name_the_variable_and_no_value() {
    for (name, value, words) in [
        ("ORG_ID", None, "PORTCULLIS_ORG_ID is not set\nhint: export PORTCULLIS_ORG_ID="),
        ("API_KEY", Some(""), "PORTCULLIS_API_KEY is not set"),
        ("API_SECRET", None, "PORTCULLIS_API_SECRET is not set"),
        ("AUTH_API_URL", Some(" "), "PORTCULLIS_AUTH_API_URL is not set"),
        ("ORG_ID", Some("key_wrong"), "PORTCULLIS_ORG_ID does not hold an organisation id"),
        ("API_KEY", Some("secret_wrong"), "PORTCULLIS_API_KEY does not hold a key id"),
        ("API_KEY", Some("key_wr:ong"), "PORTCULLIS_API_KEY does not hold a key id"),
        ("API_SECRET", Some("sk_live_wrong"), "PORTCULLIS_API_SECRET does not hold a secret"),
        ("API_SECRET", Some("secret_"), "PORTCULLIS_API_SECRET does not hold a secret"),
        ("API_SECRET", Some("secret_wro\nng"), "PORTCULLIS_API_SECRET does not hold a secret"),
        ("AUTH_API_URL", Some("control.example.com"), "PORTCULLIS_AUTH_API_URL does not hold the URL"),
        ("AUTH_API_URL", Some("https://u:wrong@example.com"), "PORTCULLIS_AUTH_API_URL does not hold the URL"),
        ("AUTH_API_URL", Some("https://example.com?a=wrong"), "PORTCULLIS_AUTH_API_URL does not hold the URL"),
        ("AUTH_API_URL", Some("https://[wrong"), "PORTCULLIS_AUTH_API_URL does not hold the URL"),
        ("AUTH_API_URL", Some("ftp://wrong"), "PORTCULLIS_AUTH_API_URL does not hold the URL"),
    ] {
        let error = read("PORTCULLIS", Some((name, value))).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(words) && message.contains("hint: "), "{message}");
        assert!(!format!("{message}{error:?}").contains("wr"), "{error:?}");
    }
    let error = Credentials::new("org_1", SECRET, "key_1", "https://control.example.com").unwrap_err();
    assert!(error.to_string().starts_with("the key id does not hold a key id\nhint: key_"), "{error}");
}

#[test]
fn where_a_secret_goes_in_clear() {
    for (url, fine) in [
        ("https://control.example.com", true),
        ("http://127.0.0.1:8080", true),
        ("http://127.9.9.9", true),
        ("http://[::1]:8080", true),
        ("http://localhost:8080", true),
        ("http://control.example.com", false),
        ("http://10.0.0.1", false),
        ("http://localhost.example.com", false),
        ("http://127.0.0.1.example.com", false),
    ] {
        let source = TokenSource::new(credentials(url));
        assert_eq!(source.is_ok(), fine, "{url}");
        assert!(source.err().is_none_or(|error| matches!(error, TokenError::InClear(_))), "{url}");
        assert!(TokenSource::builder(credentials(url)).allow_plain_http().build().is_ok(), "{url}");
    }
}

#[test]
fn a_prefix_under_which_there_is_a_credential_is_named() {
    let names = |prefixes: &[&str], suffixes: &[&str]| {
        let name = |prefix: &&str| suffixes.iter().map(move |suffix| format!("{prefix}_{suffix}")).collect::<Vec<_>>();
        prefixes.iter().flat_map(name).collect::<Vec<_>>()
    };
    let (whole, not_ours) = (["ORG_ID", "API_KEY", "API_SECRET"], ["ORG_ID", "API_KEY"]);
    for (names, expected) in [
        (names(&["SCOPE"], &whole), Some("SCOPE")),
        (names(&["PORTCULLIS", "A_B"], &whole), Some("A_B")),
        (names(&["PORTCULLIS"], &whole), None),
        (names(&["OTHER"], &not_ours), None),
        (vec!["_API_SECRET".to_owned(), "API_SECRET".to_owned()], None),
    ] {
        assert_eq!(other_prefix("PORTCULLIS", names.clone()).as_deref(), expected, "{names:?}");
    }
    let missing = read("PORTCULLIS", Some(("ORG_ID", None))).unwrap_err();
    let named = missing.clone().with_prefix(Some("SCOPE".to_owned()));
    for (error, hint) in [
        (
            missing,
            "PORTCULLIS_ORG_ID is not set\nhint: export PORTCULLIS_ORG_ID=<org_…, on the key's page>; from_env_with",
        ),
        (named, "PORTCULLIS_ORG_ID is not set\nhint: SCOPE_API_KEY and others are set: from_env_with(\"SCOPE\") reads"),
    ] {
        assert!(error.to_string().starts_with(hint), "{error}");
        assert_eq!(format!("{error:?}"), error.to_string(), "what `main` prints");
        assert_eq!(format!("{:?}", SendError::from(error.clone())), error.to_string());
    }
}
