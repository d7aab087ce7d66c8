-- What edges report. It is written in the background from memory: a crash loses at most what was reported in the last
-- fraction of a second. Counts only grow, so that replicas which heard of the same edge add up.
CREATE TABLE edges (
    edge TEXT PRIMARY KEY NOT NULL,
    first_report_ms BIGINT NOT NULL,
    last_report_ms BIGINT NOT NULL,
    errors TEXT NOT NULL, -- a JSON array: those of the last report that had any
    errors_ms BIGINT NOT NULL
);

CREATE TABLE edge_vms (
    edge TEXT NOT NULL,
    vm TEXT NOT NULL,
    applied_version BIGINT NOT NULL,
    bundle_age_seconds BIGINT NOT NULL,
    reported_at_ms BIGINT NOT NULL,
    PRIMARY KEY (edge, vm)
);

-- When a VM first reported a version: what receipts are made of.
CREATE TABLE edge_versions (
    edge TEXT NOT NULL,
    vm TEXT NOT NULL,
    version BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (edge, vm, version)
);

CREATE TABLE edge_counts (
    edge TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('allowed', 'denied', 'observed', 'unsampled')),
    reason TEXT NOT NULL, -- empty where there is none
    requests BIGINT NOT NULL,
    PRIMARY KEY (edge, kind, reason)
);

-- The last minutes, for the rate.
CREATE TABLE edge_requests (
    edge TEXT NOT NULL,
    slot BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    PRIMARY KEY (edge, slot)
);

-- All edges together, by hour.
CREATE TABLE traffic (
    hour BIGINT NOT NULL, -- Unix seconds
    kind TEXT NOT NULL CHECK (kind IN ('allowed', 'denied', 'observed', 'unsampled')),
    reason TEXT NOT NULL,
    requests BIGINT NOT NULL,
    PRIMARY KEY (hour, kind, reason)
);

-- Requests let through that are told of all the same, alike ones counted together. Empty = not known.
CREATE TABLE observations (
    key_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('trial', 'observe', 'retiring')),
    reason TEXT NOT NULL,
    address TEXT NOT NULL,
    referrer TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    requests BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (key_id, kind, reason, address, referrer, method, path)
);
CREATE INDEX observations_last_seen ON observations (last_seen);

CREATE TABLE denials (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    request_id TEXT,
    denied_at BIGINT NOT NULL,
    reason TEXT NOT NULL,
    key_id TEXT,
    organization TEXT, -- NULL = of no known key: the operator's to see
    method TEXT NOT NULL,
    path TEXT,
    address TEXT,
    edge TEXT NOT NULL,
    UNIQUE (request_id, denied_at, edge)
);
CREATE INDEX denials_key ON denials (key_id, id);
CREATE INDEX denials_organization ON denials (organization, id);
CREATE INDEX denials_denied_at ON denials (denied_at);
