-- When an issuer's keys became what they are, in Unix seconds: they are taken over once a minute at most.
ALTER TABLE issuers ADD COLUMN keys_changed_at BIGINT NOT NULL DEFAULT 0;
