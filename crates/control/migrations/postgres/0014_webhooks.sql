-- Where organisations want to be told of events, and every message to one, until it is forgotten.
CREATE TABLE webhooks (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    organization TEXT COLLATE "C" NOT NULL REFERENCES organizations (id),
    url TEXT NOT NULL,
    events TEXT NOT NULL, -- separated by one space
    secret BYTEA NOT NULL, -- sealed: signing takes the secret itself
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    disabled_at BIGINT
);
CREATE INDEX webhooks_organization ON webhooks (organization, created_at, id);

CREATE TABLE webhook_deliveries (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL, -- also the message's id for whoever receives it
    webhook TEXT COLLATE "C" NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    cause TEXT NOT NULL, -- what it tells of: a webhook is told once
    event TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at_ms BIGINT, -- NULL = delivered or given up; in the future while somebody is sending it
    last_at BIGINT,
    last_status BIGINT, -- NULL = no answer came
    last_error TEXT,
    delivered_at BIGINT,
    given_up_at BIGINT,
    UNIQUE (webhook, cause)
);
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook, created_at, id);
CREATE INDEX webhook_deliveries_next ON webhook_deliveries (next_at_ms) WHERE next_at_ms IS NOT NULL;
CREATE INDEX webhook_deliveries_created ON webhook_deliveries (created_at);

-- What webhooks were told of. Events that were there before them, nobody is.
ALTER TABLE quota_events ADD COLUMN is_told BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE quota_events SET is_told = TRUE;
CREATE INDEX quota_events_untold ON quota_events (id) WHERE NOT is_told;
