-- Was this transfer ever taken or judged, and what was said of it?
-- Parameters: transfer_id. Grain: one row, none where nobody knows it; `fraud` null: nothing was said.
SELECT known.transfer_id, o.fraud, o.said_by
FROM (
    SELECT transfer_id FROM transfers.event WHERE transfer_id = :transfer_id
    UNION
    SELECT transfer_id FROM transfers.risk_log WHERE transfer_id = :transfer_id
) AS known
LEFT JOIN transfers.outcome AS o USING (transfer_id)
