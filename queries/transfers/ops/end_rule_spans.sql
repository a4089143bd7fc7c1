-- Spans of an event rule that reach past a moment end there; one that has not begun never does.
-- Parameters: rule, version (null: of every version), mode, at. Grain: one row per span.
UPDATE transfers.rule_span
SET until_at = greatest(from_at, CAST(:at AS timestamptz))
WHERE rule = :rule AND mode = :mode AND (until_at IS NULL OR (until_at > :at AND until_at > from_at))
  AND (CAST(:version AS integer) IS NULL OR version = CAST(:version AS integer))
RETURNING version, from_at
