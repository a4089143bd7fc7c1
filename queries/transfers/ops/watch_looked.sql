-- The watch has looked: what was committed at the company's before it began stands in transfers.event.
-- Parameters: took_s (seconds since it began). Grain: one row at most.
INSERT INTO transfers.watch (looked_at)
VALUES (clock_timestamp() - make_interval(secs => :took_s))
ON CONFLICT (only_one) DO UPDATE SET looked_at = excluded.looked_at
