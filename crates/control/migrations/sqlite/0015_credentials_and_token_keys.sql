-- Credentials, grants and issuers mint access tokens and have rows of `keys` like API keys: the digest of such a row is made
-- of its id. Of a credential's secret there is the SHA-256 and nothing else.
ALTER TABLE keys ADD COLUMN kind TEXT NOT NULL DEFAULT 'api_key'
    CHECK (kind IN ('api_key', 'credential', 'grant', 'issuer'));
ALTER TABLE keys ADD COLUMN secret BLOB CHECK (secret IS NULL OR length(secret) = 32);

-- What access tokens are signed with. Times are Unix seconds.
CREATE TABLE token_keys (
    kid TEXT PRIMARY KEY NOT NULL,
    algorithm TEXT NOT NULL,
    jwk TEXT NOT NULL, -- the public half, as it is published
    secret BLOB, -- sealed: signing takes the key itself; NULL = destroyed
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL,
    signs_until BIGINT, -- NULL = until another takes over
    accepted_until BIGINT,
    revoked_at BIGINT
);
