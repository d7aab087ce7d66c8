-- The key that a key was rotated to: it is rotated once, for by then its expiry is the overlap's.
ALTER TABLE keys ADD COLUMN successor TEXT COLLATE "C";
