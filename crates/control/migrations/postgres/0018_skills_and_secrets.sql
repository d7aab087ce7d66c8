-- Skills, which a key may belong to, and secrets that skills refer to by name. A value is here only as sealed boxes, one for
-- each of the edges' keys, whose private halves are not. Times are Unix seconds.
CREATE TABLE edge_keys (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL, -- the first eight bytes of the key, in hexadecimal
    public_key TEXT NOT NULL, -- hexadecimal
    description TEXT NOT NULL,
    created_by TEXT,
    created_at BIGINT NOT NULL
);

CREATE TABLE secrets (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    organization TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    owner TEXT COLLATE "C" REFERENCES users (id), -- NULL = the team's
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created_by TEXT,
    created_at BIGINT NOT NULL,
    replaced_by TEXT,
    replaced_at BIGINT NOT NULL,
    last_used BIGINT,
    changed_in BIGINT NOT NULL
);
CREATE UNIQUE INDEX secrets_team ON secrets (organization, name) WHERE owner IS NULL;
CREATE UNIQUE INDEX secrets_personal ON secrets (organization, owner, name) WHERE owner IS NOT NULL;
CREATE INDEX secrets_organization ON secrets (organization, created_at, id);

CREATE TABLE secret_boxes (
    secret_id TEXT COLLATE "C" NOT NULL REFERENCES secrets (id) ON DELETE CASCADE,
    edge_key TEXT COLLATE "C" NOT NULL REFERENCES edge_keys (id) ON DELETE CASCADE,
    sealed BYTEA NOT NULL,
    PRIMARY KEY (secret_id, edge_key)
);
CREATE INDEX secret_boxes_key ON secret_boxes (edge_key);

CREATE TABLE skills (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    organization TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    owner TEXT COLLATE "C" REFERENCES users (id), -- NULL = the team's
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    version BIGINT NOT NULL, -- the one in force
    published BIGINT, -- the version that others can install
    installed_from TEXT COLLATE "C", -- another organisation's, which may be gone
    created_by TEXT,
    created_at BIGINT NOT NULL,
    changed_in BIGINT NOT NULL
);
CREATE UNIQUE INDEX skills_team ON skills (organization, name) WHERE owner IS NULL;
CREATE UNIQUE INDEX skills_personal ON skills (organization, owner, name) WHERE owner IS NOT NULL;
CREATE INDEX skills_organization ON skills (organization, created_at, id);
CREATE INDEX skills_published ON skills (created_at, id) WHERE published IS NOT NULL;

CREATE TABLE skill_versions (
    skill_id TEXT COLLATE "C" NOT NULL REFERENCES skills (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    services TEXT NOT NULL, -- JSON: services, and the names of secrets that may be sent to each
    PRIMARY KEY (skill_id, version)
);
CREATE FUNCTION skill_version_stays() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'a version of a skill never changes'; END $$;
CREATE TRIGGER skill_versions_stay BEFORE UPDATE ON skill_versions
    FOR EACH STATEMENT EXECUTE FUNCTION skill_version_stays();

-- In which version anything about an organisation's skills or secrets last changed, what was deleted included.
CREATE TABLE skill_news (
    organization TEXT COLLATE "C" PRIMARY KEY NOT NULL REFERENCES organizations (id),
    changed_in BIGINT NOT NULL
);
CREATE INDEX skill_news_changed_in ON skill_news (changed_in);

ALTER TABLE keys ADD COLUMN skill TEXT COLLATE "C" REFERENCES skills (id);
CREATE INDEX keys_skill ON keys (skill) WHERE skill IS NOT NULL;
