-- Answers to requests with an `Idempotency-Key`, kept for a day so that they can be sent again. An answer may hold a new
-- key: it is sealed under a key that is made of the request's own and of the control plane's secret.
CREATE TABLE kept_answers (
    name BYTEA PRIMARY KEY NOT NULL CHECK (length(name) = 32), -- HMAC of the caller and the Idempotency-Key
    request BYTEA NOT NULL CHECK (length(request) = 32), -- SHA-256 of method, path and body
    answer BYTEA, -- NULL while it is being carried out
    running_until_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX kept_answers_expires ON kept_answers (expires_ms);
