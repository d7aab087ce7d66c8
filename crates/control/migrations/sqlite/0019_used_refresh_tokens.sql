-- Refresh tokens are forgotten a week after their use, long before they would have ended.
CREATE INDEX refresh_tokens_used ON refresh_tokens (used_at) WHERE used_at IS NOT NULL;
