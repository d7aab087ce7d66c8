-- Every policy that was ever in force. The newest one is; going back to an older one publishes its text again.
CREATE TABLE policies (
    version BIGINT PRIMARY KEY NOT NULL CHECK (version > 0),
    toml TEXT NOT NULL,
    digest BYTEA NOT NULL CHECK (length(digest) = 32), -- SHA-256 of the text
    source TEXT NOT NULL CHECK (source IN ('file', 'api', 'restore')),
    restored_from BIGINT REFERENCES policies (version),
    note TEXT,
    published_at BIGINT NOT NULL,
    published_by TEXT NOT NULL,
    changed_in BIGINT NOT NULL
);
CREATE INDEX policies_changed_in ON policies (changed_in);
