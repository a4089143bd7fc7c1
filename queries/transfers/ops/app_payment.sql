-- One payment as it is now, how it was judged, and what became of it.
-- Parameters: transfer_id. Grain: one row, none where nobody knows it; what was not judged yet has no decision.
SELECT e.transfer_id, e.kind, e.status, e.account_id, e.user_id, e.amount, e.currency, e.country, e.occurred_at,
       e.payee_id, e.card_id, e.device_id, e.merchant_id, e.channel, e.lat_e6, e.lon_e6, e.account_opened, e.arrived_at,
       l.decision, l.score, l.why, l.late, l.revision, l.judged_at, l.confirmed_at,
       o.fraud, o.said_by, o.reported_at,
       r.answer ->> 'decision' AS check_decision, r.decided_by AS check_decided_by, r.checked_at
FROM transfers.event AS e
LEFT JOIN transfers.risk_log AS l USING (transfer_id)
LEFT JOIN transfers.outcome AS o USING (transfer_id)
LEFT JOIN transfers.reservation AS r USING (transfer_id)
WHERE e.transfer_id = :transfer_id
