-- Other people's OIDC issuers whose access tokens are accepted: each speaks for the row of `keys` it belongs to.
CREATE TABLE issuers (
    key_id TEXT PRIMARY KEY NOT NULL REFERENCES keys (id),
    issuer TEXT NOT NULL, -- the exact text of `iss`; one issuer's audiences do not overlap, which whoever writes looks at
    audiences TEXT NOT NULL, -- JSON: texts
    types TEXT NOT NULL, -- JSON: texts
    jwks_uri TEXT, -- NULL = what the issuer's own configuration names
    scope_claim TEXT NOT NULL,
    scope_map TEXT NOT NULL, -- JSON: scopes for each value of the claim
    jwks TEXT NOT NULL, -- JSON: the public keys as they were last fetched
    fetched_at BIGINT NOT NULL,
    next_fetch_ms BIGINT NOT NULL, -- in the future while somebody is fetching
    failures BIGINT NOT NULL, -- since they were last fetched
    problem TEXT,
    changed_in BIGINT NOT NULL
);
CREATE INDEX issuers_issuer ON issuers (issuer);
CREATE INDEX issuers_next ON issuers (next_fetch_ms);
