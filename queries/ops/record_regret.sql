-- Keep what a labelled disturbance cost, instead of what was found of it before.
-- Parameters: pack, entity_id, label, started_at, until, told_at, result (JSON). Grain: none.
INSERT INTO regret (pack, entity_id, label, started_at, until, told_at, result)
VALUES (:pack, :entity_id, :label, :started_at, :until, :told_at, CAST(:result AS jsonb))
ON CONFLICT (pack, entity_id, label, started_at) DO UPDATE
SET until = excluded.until, told_at = excluded.told_at, result = excluded.result, measured_at = now()
