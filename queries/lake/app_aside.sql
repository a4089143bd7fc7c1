-- The newest rows that were set aside, a few of each reason.
-- Parameters: first (aware time), of_each (rows of a reason).
-- Grain: one row per row that was set aside.
SELECT *
FROM quarantine
WHERE minute >= $first::TIMESTAMPTZ
QUALIFY row_number() OVER (PARTITION BY reason ORDER BY minute DESC, occurred_at DESC NULLS LAST) <= $of_each::BIGINT
ORDER BY minute DESC, reason
