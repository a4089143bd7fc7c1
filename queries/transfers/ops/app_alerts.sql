-- The latest alerts: payments that were not simply allowed, or at which a live rule fired.
-- Parameters: at_most. Grain: one row per payment, the one that was said or found last first; `corrected` says that every
-- hit of it turned out wrong.
WITH named AS (
    (SELECT transfer_id FROM transfers.risk_log WHERE decision <> 'allow' ORDER BY number DESC LIMIT :at_most)
    UNION
    SELECT transfer_id
    FROM (
        SELECT transfer_id FROM transfers.risk_rule_hit WHERE mode = 'live' ORDER BY number DESC LIMIT 4 * :at_most
    ) AS newest
)
SELECT l.transfer_id, l.occurred_at, l.account_id, e.kind, e.status,
       e.amount, e.currency, e.country, l.decision, l.score, l.why, l.late, l.revision,
       coalesce(hits.rules, '{}') AS rules, coalesce(hits.corrected, false) AS corrected
FROM named
JOIN transfers.risk_log AS l USING (transfer_id)
LEFT JOIN transfers.event AS e USING (transfer_id)
LEFT JOIN LATERAL (
    SELECT array_agg(h.rule ORDER BY h.score DESC, h.rule) AS rules, bool_and(h.corrected_at IS NOT NULL) AS corrected,
           max(h.hit_at) AS newest
    FROM transfers.risk_rule_hit AS h
    WHERE h.transfer_id = l.transfer_id AND h.mode = 'live'
) AS hits ON true
ORDER BY greatest(l.judged_at, hits.newest) DESC, l.number DESC
LIMIT :at_most
