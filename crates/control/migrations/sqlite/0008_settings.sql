-- What all control planes of this database have to agree on, such as the public key that bundles are signed with.
CREATE TABLE settings (
    name TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);

-- The log only grows: what REPLACE takes the place of is deleted without a trigger being asked.
CREATE TRIGGER audit_gives_no_place_away BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log only grows'); END;
