-- The last numbered batch that was applied of each VM's. It is moved in the transaction that holds what the batch counts,
-- so one that comes again counts nothing again.
CREATE TABLE report_streams (
    edge TEXT NOT NULL,
    boot TEXT NOT NULL,
    vm TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL, -- Unix seconds
    PRIMARY KEY (edge, boot, vm)
);
CREATE INDEX report_streams_at ON report_streams (at);

-- What each key did, by hour and by day. Whose it is and its environment are the key's when it was told.
CREATE TABLE usage_hours (
    organization TEXT NOT NULL,
    starts_at BIGINT NOT NULL, -- Unix seconds, UTC
    key_id TEXT NOT NULL,
    route TEXT NOT NULL, -- empty: no rule matched
    reason TEXT NOT NULL, -- empty: let through
    environment TEXT NOT NULL,
    requests BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    PRIMARY KEY (organization, starts_at, key_id, route, reason)
) WITHOUT ROWID;
CREATE INDEX usage_hours_key ON usage_hours (key_id, starts_at);
CREATE INDEX usage_hours_starts_at ON usage_hours (starts_at);

CREATE TABLE usage_days (
    organization TEXT NOT NULL,
    starts_at BIGINT NOT NULL, -- Unix seconds, UTC
    key_id TEXT NOT NULL,
    route TEXT NOT NULL, -- empty: no rule matched
    reason TEXT NOT NULL, -- empty: let through
    environment TEXT NOT NULL,
    requests BIGINT NOT NULL,
    cost BIGINT NOT NULL,
    PRIMARY KEY (organization, starts_at, key_id, route, reason)
) WITHOUT ROWID;
CREATE INDEX usage_days_key ON usage_days (key_id, starts_at);
CREATE INDEX usage_days_starts_at ON usage_days (starts_at);
