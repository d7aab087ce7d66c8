-- What edges report. It is written in the background from memory: a crash loses at most what was reported in the last
-- fraction of a second. Counts only grow, so that replicas which heard of the same edge add up.
CREATE TABLE edges (
    edge TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    first_report_ms BIGINT NOT NULL,
    last_report_ms BIGINT NOT NULL,
    errors TEXT NOT NULL, -- a JSON array: those of the last report that had any
    errors_ms BIGINT NOT NULL
);

CREATE TABLE edge_vms (
    edge TEXT COLLATE "C" NOT NULL,
    vm TEXT COLLATE "C" NOT NULL,
    applied_version BIGINT NOT NULL,
    bundle_age_seconds BIGINT NOT NULL,
    reported_at_ms BIGINT NOT NULL,
    PRIMARY KEY (edge, vm)
);

-- When a VM first reported a version: what receipts are made of.
CREATE TABLE edge_versions (
    edge TEXT COLLATE "C" NOT NULL,
    vm TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (edge, vm, version)
);

CREATE TABLE edge_counts (
    edge TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('allowed', 'denied', 'observed', 'unsampled')),
    reason TEXT COLLATE "C" NOT NULL, -- empty where there is none
    requests BIGINT NOT NULL,
    PRIMARY KEY (edge, kind, reason)
);

-- The last minutes, for the rate.
CREATE TABLE edge_requests (
    edge TEXT COLLATE "C" NOT NULL,
    slot BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    PRIMARY KEY (edge, slot)
);

-- All edges together, by hour.
CREATE TABLE traffic (
    hour BIGINT NOT NULL, -- Unix seconds
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('allowed', 'denied', 'observed', 'unsampled')),
    reason TEXT COLLATE "C" NOT NULL,
    requests BIGINT NOT NULL,
    PRIMARY KEY (hour, kind, reason)
);

-- Requests let through that are told of all the same, alike ones counted together. Empty = not known.
CREATE TABLE observations (
    key_id TEXT COLLATE "C" NOT NULL,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('trial', 'observe', 'retiring')),
    reason TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    referrer TEXT COLLATE "C" NOT NULL,
    method TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C" NOT NULL,
    requests BIGINT NOT NULL,
    first_seen BIGINT NOT NULL,
    last_seen BIGINT NOT NULL,
    PRIMARY KEY (key_id, kind, reason, address, referrer, method, path)
);
CREATE INDEX observations_last_seen ON observations (last_seen);

CREATE TABLE denials (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id TEXT COLLATE "C",
    denied_at BIGINT NOT NULL,
    reason TEXT COLLATE "C" NOT NULL,
    key_id TEXT COLLATE "C",
    organization TEXT COLLATE "C", -- NULL = of no known key: the operator's to see
    method TEXT COLLATE "C" NOT NULL,
    path TEXT COLLATE "C",
    address TEXT COLLATE "C",
    edge TEXT COLLATE "C" NOT NULL,
    UNIQUE (request_id, denied_at, edge)
);
CREATE INDEX denials_key ON denials (key_id, id);
CREATE INDEX denials_organization ON denials (organization, id);
CREATE INDEX denials_denied_at ON denials (denied_at);
