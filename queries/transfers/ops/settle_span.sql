-- A closed span is judged: what was told of it and holds is confirmed. What was told and is not among `told` is wrong,
-- because its event is another one now or is gone.
-- Parameters: start (included), end (excluded), told (text array of the ids of which something is told).
-- Grain: none.
WITH known AS (
    SELECT transfer_id FROM transfers.risk_log
    WHERE occurred_at >= :start AND occurred_at < :end AND decision <> 'allow'
    UNION
    SELECT transfer_id FROM transfers.risk_rule_hit
    WHERE occurred_at >= :start AND occurred_at < :end AND corrected_at IS NULL
),
wrong AS (
    SELECT transfer_id FROM known WHERE transfer_id <> ALL (CAST(:told AS text[]))
),
marked AS (
    UPDATE transfers.risk_rule_hit SET corrected_at = clock_timestamp(), corrected_by = 'minute'
    WHERE transfer_id IN (SELECT transfer_id FROM wrong) AND corrected_at IS NULL
),
let_go AS (
    UPDATE transfers.risk_log
    SET decision = 'allow', score = 0, why = 'rules', revision = revision + 1, judged_at = clock_timestamp(),
        confirmed_at = clock_timestamp()
    WHERE transfer_id IN (SELECT transfer_id FROM wrong)
)
UPDATE transfers.risk_log SET confirmed_at = clock_timestamp()
WHERE transfer_id IN (SELECT transfer_id FROM known EXCEPT SELECT transfer_id FROM wrong) AND confirmed_at IS NULL
