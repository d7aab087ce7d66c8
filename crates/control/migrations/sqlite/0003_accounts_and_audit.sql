-- People, what they are in which organisation, how they and their programs prove it, and who did what.
-- Only SHA-256 digests of sessions, tokens and invitations are stored, and argon2id of passwords.
CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL,
    email TEXT NOT NULL UNIQUE, -- lower case
    name TEXT NOT NULL,
    password TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE memberships (
    organization TEXT NOT NULL REFERENCES organizations (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (organization, user_id)
);
CREATE INDEX memberships_user ON memberships (user_id);

CREATE TABLE invitations (
    id TEXT PRIMARY KEY NOT NULL,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    organization TEXT NOT NULL REFERENCES organizations (id),
    email TEXT, -- whom it is for; NULL = whoever holds the link
    is_first BOOLEAN NOT NULL, -- for the first owner: void once there is a user
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    created_by TEXT NOT NULL,
    made_by TEXT, -- the id of the person or service token that made it
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    accepted_at BIGINT,
    withdrawn_at BIGINT
);
CREATE INDEX invitations_organization ON invitations (organization, created_at, id);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    user_id TEXT NOT NULL REFERENCES users (id),
    organization TEXT NOT NULL REFERENCES organizations (id),
    address TEXT,
    agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id, created_at);

CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY NOT NULL,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    display TEXT NOT NULL,
    name TEXT NOT NULL,
    organization TEXT NOT NULL REFERENCES organizations (id),
    user_id TEXT REFERENCES users (id), -- NULL = a service's
    scopes TEXT NOT NULL, -- permissions, separated by one space
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used BIGINT
);
CREATE INDEX api_tokens_organization ON api_tokens (organization, created_at, id);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    at_ms BIGINT NOT NULL,
    organization TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    actor_name TEXT NOT NULL,
    address TEXT,
    request_id TEXT NOT NULL,
    action TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    target_name TEXT NOT NULL,
    detail TEXT NOT NULL,
    version BIGINT
);
CREATE INDEX audit_organization ON audit (organization, id);
CREATE INDEX audit_target ON audit (target_id, id);
CREATE INDEX audit_version ON audit (version);

-- The log only grows.
CREATE TRIGGER audit_keeps_what_it_has BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
CREATE TRIGGER audit_loses_nothing BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
