-- People may set the rate limit of all workers.

ALTER TABLE store ADD COLUMN limits TEXT;  -- JSON; absent: each worker's own
