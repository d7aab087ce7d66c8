-- What else is known of a key (a JSON object of texts), and what is tried on it (JSON; NULL = nothing).
ALTER TABLE keys ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
ALTER TABLE keys ADD COLUMN trial TEXT;
