"""Calls an API behind Portcullis with httpx. PORTCULLIS_* say who we are; the first argument is the URL."""

import sys

import httpx

from portcullis import Credentials, TokenAuth, TokenSource


def main() -> None:
    """Print one answer."""
    source = TokenSource(Credentials.from_env())
    with httpx.Client(auth=TokenAuth(source)) as client:
        print(client.get(sys.argv[1]).text)


if __name__ == "__main__":
    main()
