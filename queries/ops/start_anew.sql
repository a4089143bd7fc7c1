-- Forget everything that came from the trade database and everything told about it; the next start publishes its
-- history again. A new installation id makes the keys of new messages others than those of the old ones.
-- Settings are not here. Only the leader does this, in one transaction.
-- Parameters: none. Grain: none.
WITH messages AS (DELETE FROM outbox),
incidents AS (DELETE FROM incident),
revisions AS (DELETE FROM minute_revision),
minutes AS (DELETE FROM minute_ledger),
repairs AS (DELETE FROM repair_request),
strays AS (DELETE FROM stray_minute),
nulls AS (DELETE FROM null_day),
categories AS (DELETE FROM merchant_category),
alarms AS (DELETE FROM alarm),
fence AS (DELETE FROM source_fence),
mark AS (DELETE FROM watermark),
files AS (DELETE FROM lake_file)
UPDATE leader SET installation = gen_random_uuid()
