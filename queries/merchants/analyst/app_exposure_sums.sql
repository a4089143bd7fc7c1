-- What all merchants together owe and may come to owe, at the newest minute.
-- Parameters: none.
-- Grain: one row per state; sums leave out merchants of whom nothing is known, of whom there are `unknown`.
SELECT
    minute,
    state,
    count(*) AS merchants,
    count(*) FILTER (WHERE paid_out_cancelable IS NULL OR unrecovered IS NULL) AS unknown,
    sum(paid_out_cancelable)::BIGINT AS paid_out_cancelable,
    sum(unrecovered)::BIGINT AS unrecovered,
    sum(pending_payout)::BIGINT AS pending_payout,
    sum(expected_loss)::BIGINT AS expected_loss
FROM exposure
WHERE minute = (SELECT max(minute) FROM exposure)
GROUP BY minute, state
ORDER BY state
