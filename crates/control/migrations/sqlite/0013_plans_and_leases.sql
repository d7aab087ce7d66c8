-- What organisations may use, and what of it was given to which process of an edge. Tokens are counted in whole numbers; times are
-- Unix seconds unless a name ends in `_ms`.
CREATE TABLE plans (
    name TEXT PRIMARY KEY NOT NULL,
    display_name TEXT NOT NULL,
    token_limit BIGINT, -- NULL = nobody counts
    period TEXT NOT NULL CHECK (period IN ('30d', 'month', 'day')),
    rate TEXT, -- JSON: requests, seconds, burst
    lost_leases TEXT NOT NULL CHECK (lost_leases IN ('spent', 'returned')),
    is_default BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    changed_in BIGINT NOT NULL
);
CREATE UNIQUE INDEX plans_one_default ON plans (is_default) WHERE is_default;
INSERT INTO plans (name, display_name, token_limit, period, lost_leases, is_default, created_at, changed_in)
    VALUES ('free', 'Free', 30000, '30d', 'spent', FALSE, 0, 0);

ALTER TABLE organizations ADD COLUMN plan TEXT REFERENCES plans (name);
ALTER TABLE organizations ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
CREATE INDEX organizations_plan ON organizations (plan) WHERE plan IS NOT NULL;

ALTER TABLE keys ADD COLUMN quota_limit BIGINT; -- NULL = no quota of its own
ALTER TABLE keys ADD COLUMN quota_period TEXT CHECK (quota_period IN ('30d', 'month', 'day'));
ALTER TABLE keys ADD COLUMN rate TEXT; -- JSON
ALTER TABLE keys ADD COLUMN meter TEXT; -- the first of the keys that were rotated into each other; NULL = this one
CREATE INDEX keys_meter ON keys (meter) WHERE meter IS NOT NULL;
CREATE INDEX keys_quota ON keys (id, changed_in) WHERE quota_limit IS NOT NULL;

-- A subject (org_..., or key_... for the first key of a chain) in one period, whose bounds never change. The sums are those of its
-- leases. charged: may have been spent or is held by somebody; in_doubt: the part of it that processes held which are gone.
CREATE TABLE meters (
    subject TEXT NOT NULL,
    period_start BIGINT NOT NULL,
    period_end BIGINT NOT NULL,
    topped_up BIGINT NOT NULL DEFAULT 0,
    charged BIGINT NOT NULL DEFAULT 0,
    spent BIGINT NOT NULL DEFAULT 0,
    in_doubt BIGINT NOT NULL DEFAULT 0,
    told_limit BIGINT NOT NULL DEFAULT 0, -- of which quota_events were told last
    told_percent BIGINT NOT NULL DEFAULT 0,
    wanted_by TEXT NOT NULL DEFAULT '', -- a boot for which others give back what they hold
    wanted_until_ms BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (subject, period_start)
);
CREATE INDEX meters_wanted ON meters (wanted_until_ms) WHERE wanted_until_ms > 0;
CREATE INDEX meters_period_end ON meters (period_end);

-- One process of an edge.
CREATE TABLE boots (
    boot TEXT PRIMARY KEY NOT NULL,
    edge TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    closed BOOLEAN NOT NULL,
    drain_until_ms BIGINT NOT NULL
);
CREATE INDEX boots_open ON boots (expires_ms) WHERE NOT closed;
CREATE INDEX boots_edge ON boots (edge);

-- granted, returned: cumulative. forgiven: taken from a process that is gone. It holds granted - returned - forgiven - spent.
CREATE TABLE leases (
    boot TEXT NOT NULL,
    subject TEXT NOT NULL,
    period_start BIGINT NOT NULL,
    granted BIGINT NOT NULL,
    spent BIGINT NOT NULL,
    returned BIGINT NOT NULL,
    forgiven BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    in_doubt BOOLEAN NOT NULL,
    PRIMARY KEY (boot, subject, period_start)
);
CREATE INDEX leases_subject ON leases (subject, period_start);
CREATE INDEX leases_unsettled ON leases (boot, subject) WHERE in_doubt OR forgiven > 0;

CREATE TABLE top_ups (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    organization TEXT NOT NULL REFERENCES organizations (id),
    period_start BIGINT NOT NULL,
    period_end BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX top_ups_organization ON top_ups (organization, id);

-- A part of a limit was reached: once for each subject, period, part and limit.
CREATE TABLE quota_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    subject TEXT NOT NULL,
    organization TEXT NOT NULL,
    period_start BIGINT NOT NULL,
    period_end BIGINT NOT NULL,
    percent BIGINT NOT NULL,
    quota_limit BIGINT NOT NULL,
    used BIGINT NOT NULL, -- what is in doubt included
    at_ms BIGINT NOT NULL,
    UNIQUE (subject, period_start, percent, quota_limit)
);
CREATE INDEX quota_events_organization ON quota_events (organization, id);
