-- The bundle's version counts every committed change; rows say in which version they last changed, so that a
-- publisher reads only what it has not seen. Times are Unix seconds.
CREATE TABLE bundle (
    singleton INT PRIMARY KEY CHECK (singleton = 1),
    version BIGINT NOT NULL
);
INSERT INTO bundle (singleton, version) VALUES (1, 0);

CREATE TABLE organizations (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'suspended', 'quota_exhausted')),
    quota_exhausted_until BIGINT,
    is_default BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    changed_in BIGINT NOT NULL
);
CREATE UNIQUE INDEX organizations_one_default ON organizations (is_default) WHERE is_default;
CREATE INDEX organizations_changed_in ON organizations (changed_in);

-- A key is stored as its SHA-256 and nothing else: `display` and `prefix` are what people may see of it.
CREATE TABLE keys (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    digest BYTEA NOT NULL UNIQUE CHECK (length(digest) = 32),
    name TEXT NOT NULL,
    display TEXT NOT NULL,
    prefix TEXT NOT NULL,
    environment TEXT NOT NULL,
    organization TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    scopes TEXT NOT NULL,
    restrictions TEXT,
    enabled BOOLEAN NOT NULL,
    created_by TEXT,
    created_at BIGINT NOT NULL,
    created_in BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used BIGINT,
    changed_in BIGINT NOT NULL
);
CREATE INDEX keys_newest ON keys (created_in, id);
CREATE INDEX keys_organization ON keys (organization, created_in, id);
CREATE INDEX keys_changed_in ON keys (changed_in);
