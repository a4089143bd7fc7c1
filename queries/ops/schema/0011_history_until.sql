-- Where the history ends that the first start publishes: one that was interrupted goes on up to there, unjudged.

ALTER TABLE watermark ADD COLUMN history_until timestamptz
    CHECK (date_trunc('minute', history_until, 'UTC') = history_until);
