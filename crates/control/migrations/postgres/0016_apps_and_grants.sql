-- Apps that act for people (OAuth 2.0), what people allowed them, and what is redeemed for it.
CREATE TABLE apps (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    organization TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    name TEXT NOT NULL,
    secret BYTEA, -- SHA-256; NULL = public: it cannot keep one
    redirect_uris TEXT NOT NULL, -- JSON
    scopes TEXT NOT NULL, -- the most that it may ask for, separated by one space
    environments TEXT NOT NULL, -- JSON
    everyone BOOLEAN NOT NULL, -- whether members of other organisations may use it
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    last_used BIGINT,
    revision BIGINT NOT NULL
);
CREATE INDEX apps_organization ON apps (organization, created_at, id);

-- Beside its row in `keys`, which says whether it still holds.
CREATE TABLE grants (
    key_id TEXT COLLATE "C" PRIMARY KEY NOT NULL REFERENCES keys (id),
    app TEXT COLLATE "C" NOT NULL REFERENCES apps (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    organization TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    scopes TEXT NOT NULL, -- what was allowed; never more is
    created_at BIGINT NOT NULL
);
CREATE INDEX grants_app ON grants (app);
CREATE INDEX grants_user ON grants (user_id, organization);
CREATE INDEX grants_organization ON grants (organization, created_at, key_id);

CREATE TABLE authorization_codes (
    digest BYTEA PRIMARY KEY NOT NULL,
    app TEXT COLLATE "C" NOT NULL REFERENCES apps (id),
    user_id TEXT COLLATE "C" NOT NULL REFERENCES users (id),
    organization TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    environment TEXT NOT NULL,
    scopes TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge TEXT NOT NULL, -- of PKCE, S256
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    grant_id TEXT COLLATE "C" -- what it was redeemed for
);
CREATE INDEX authorization_codes_expires ON authorization_codes (expires_at);
CREATE INDEX authorization_codes_user ON authorization_codes (user_id);

CREATE TABLE refresh_tokens (
    digest BYTEA PRIMARY KEY NOT NULL,
    grant_id TEXT COLLATE "C" NOT NULL REFERENCES grants (key_id),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT -- once; whoever uses it again ends the grant
);
CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires_at);
