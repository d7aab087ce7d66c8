"""Credentials from the environment, and where a secret may go."""

from __future__ import annotations

import pytest

from portcullis import ConfigurationError, Credentials, TokenSource
from scripted import SECRET, credentials

GOOD = {
    "PORTCULLIS_ORG_ID": "org_1",
    "PORTCULLIS_API_KEY": "key_1",
    "PORTCULLIS_API_SECRET": SECRET,
    "PORTCULLIS_AUTH_API_URL": "https://control.example.com/auth/",
}


@pytest.mark.parametrize("prefix", ["PORTCULLIS", "SCOPE"])
def test_they_are_read(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name.replace("PORTCULLIS", prefix), f" {value}\n")
    read = Credentials.from_env(prefix)
    assert (read.org_id, read.key_id, read.secret.expose()) == ("org_1", "key_1", SECRET)
    assert read.auth_url == "https://control.example.com/auth"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ORG_ID", None, "PORTCULLIS_ORG_ID is not set\nhint: export PORTCULLIS_ORG_ID="),
        ("API_KEY", "", "PORTCULLIS_API_KEY is not set"),
        ("API_SECRET", None, "PORTCULLIS_API_SECRET is not set"),
        ("AUTH_API_URL", " ", "PORTCULLIS_AUTH_API_URL is not set"),
        ("ORG_ID", "key_wrong", "PORTCULLIS_ORG_ID does not hold an organisation id"),
        ("API_KEY", "secret_wrong", "PORTCULLIS_API_KEY does not hold a key id"),
        ("API_KEY", "key_wr:ong", "PORTCULLIS_API_KEY does not hold a key id"),
        ("API_SECRET", "sk_live_wrong", "PORTCULLIS_API_SECRET does not hold a secret"),
        ("API_SECRET", "secret_", "PORTCULLIS_API_SECRET does not hold a secret"),
        ("API_SECRET", "secret_wro\nng", "PORTCULLIS_API_SECRET does not hold a secret"),
        ("AUTH_API_URL", "control.example.com", "PORTCULLIS_AUTH_API_URL does not hold the URL"),
        ("AUTH_API_URL", "https://u:wrong@example.com", "PORTCULLIS_AUTH_API_URL does not hold the URL"),
        ("AUTH_API_URL", "https://example.com?a=wrong", "PORTCULLIS_AUTH_API_URL does not hold the URL"),
        ("AUTH_API_URL", "https://[wrong", "PORTCULLIS_AUTH_API_URL does not hold the URL"),
        ("AUTH_API_URL", "https://wr ong", "PORTCULLIS_AUTH_API_URL does not hold the URL"),
        ("AUTH_API_URL", "https://wrong:99999", "PORTCULLIS_AUTH_API_URL does not hold the URL"),
        ("AUTH_API_URL", "ftp://wrong", "PORTCULLIS_AUTH_API_URL does not hold the URL"),
    ],
)
def test_errors_name_the_variable_and_no_value(name: str, value: str | None, words: str) -> None:
    environ = {**GOOD, f"PORTCULLIS_{name}": value}
    with pytest.raises(ConfigurationError) as caught:
        Credentials.from_env(environ={name: value for name, value in environ.items() if value is not None})
    text = str(caught.value)
    assert words in text
    assert "hint: " in text
    assert "wr" not in text.replace("_WR", "")
    assert SECRET not in text


@pytest.mark.parametrize(
    ("environ", "hint"),
    [
        ({}, "hint: export PORTCULLIS_ORG_ID=<org_…, on the key's page>; from_env takes another prefix"),
        ({"OPENAI_API_KEY": "x", "OPENAI_ORG_ID": "x"}, "hint: export PORTCULLIS_ORG_ID="),
        (
            {name.replace("PORTCULLIS", "SCOPE"): value for name, value in GOOD.items()},
            'hint: SCOPE_API_KEY and others are set: from_env("SCOPE") reads those',
        ),
    ],
)
def test_a_prefix_under_which_there_is_a_credential_is_named(environ: dict[str, str], hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Credentials.from_env(environ=environ)
    text = str(caught.value)
    assert text.startswith("PORTCULLIS_ORG_ID is not set\n")
    assert hint in text
    assert SECRET not in text


@pytest.mark.parametrize(
    ("url", "allowed", "fine"),
    [
        ("https://control.example.com", False, True),
        ("http://127.0.0.1:8080", False, True),
        ("http://127.9.9.9", False, True),
        ("http://[::1]:8080", False, True),
        ("http://localhost:8080", False, True),
        ("http://control.example.com", False, False),
        ("http://10.0.0.1", False, False),
        ("http://localhost.example.com", False, False),
        ("http://127.0.0.1.example.com", False, False),
        ("http://control.example.com", True, True),
    ],
)
def test_where_a_secret_goes_in_clear(url: str, allowed: bool, fine: bool) -> None:
    if fine:
        TokenSource(credentials(url), allow_plain_http=allowed)
    else:
        with pytest.raises(ConfigurationError, match="in clear"):
            TokenSource(credentials(url), allow_plain_http=allowed)


@pytest.mark.parametrize("options", [{"scopes": "a:read"}, {"token_refresh_buffer": -1}, {"deadline": 0}])
def test_options_that_mean_nothing(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        TokenSource(credentials("http://127.0.0.1:1"), **options)  # type: ignore[arg-type]
