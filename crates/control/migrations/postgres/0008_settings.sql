-- What all control planes of this database have to agree on, such as the public key that bundles are signed with.
CREATE TABLE settings (
    name TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
