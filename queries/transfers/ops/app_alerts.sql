-- The latest alerts: payments that were not simply allowed, or at which a live rule fired. So many of them, and however
-- many came within some seconds of the newest: of a hundred at once each has to be seen.
-- Parameters: at_least, at_most, seconds. Grain: one row per payment, the one that was said or found last first;
-- `corrected` says that every hit of it turned out wrong.
WITH named AS (
    SELECT transfer_id
    FROM (
        SELECT transfer_id, row_number() OVER latest AS place,
               judged_at >= first_value(judged_at) OVER latest - make_interval(secs => :seconds) AS fresh
        FROM transfers.risk_log
        WHERE decision <> 'allow'
        WINDOW latest AS (ORDER BY number DESC)
        ORDER BY number DESC
        LIMIT :at_most
    ) AS said
    WHERE fresh OR place <= :at_least
    UNION
    SELECT transfer_id
    FROM (
        SELECT transfer_id, row_number() OVER latest AS place,
               hit_at >= first_value(hit_at) OVER latest - make_interval(secs => :seconds) AS fresh
        FROM transfers.risk_rule_hit
        WHERE mode = 'live'
        WINDOW latest AS (ORDER BY number DESC)
        ORDER BY number DESC
        LIMIT 4 * :at_most
    ) AS found
    WHERE fresh OR place <= 4 * :at_least
), alert AS (
    SELECT l.transfer_id, l.number, hits.rules, hits.corrected, greatest(l.judged_at, hits.newest) AS at
    FROM named
    JOIN transfers.risk_log AS l USING (transfer_id)
    LEFT JOIN LATERAL (
        SELECT array_agg(h.rule ORDER BY h.score DESC, h.rule) AS rules,
               bool_and(h.corrected_at IS NOT NULL) AS corrected, max(h.hit_at) AS newest
        FROM transfers.risk_rule_hit AS h
        WHERE h.transfer_id = l.transfer_id AND h.mode = 'live'
    ) AS hits ON true
), placed AS (
    SELECT *, row_number() OVER latest AS place,
           at >= first_value(at) OVER latest - make_interval(secs => :seconds) AS fresh
    FROM alert
    WINDOW latest AS (ORDER BY at DESC, number DESC)
)
SELECT l.transfer_id, l.occurred_at, l.account_id, e.kind, e.status,
       e.amount, e.currency, e.country, l.decision, l.score, l.why, l.late, l.revision,
       coalesce(p.rules, '{}') AS rules, coalesce(p.corrected, false) AS corrected
FROM placed AS p
JOIN transfers.risk_log AS l USING (transfer_id)
LEFT JOIN transfers.event AS e USING (transfer_id)
WHERE p.fresh OR p.place <= :at_least
ORDER BY p.place
LIMIT :at_most
