-- The page of a new key shows who still uses the one it replaces: found without looking at every key.
CREATE INDEX keys_successor ON keys (successor) WHERE successor IS NOT NULL;
