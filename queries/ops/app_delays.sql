-- How long after the end of its minute an incident was committed, and its first message delivered.
-- Parameters: pack, start, stop (minutes, stop excluded). Grain: one row per tier.
SELECT tier, count(*) AS incidents, count(sent_at) AS delivered,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY opened_at - ended) AS committed_median,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY opened_at - ended) AS committed_p95,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY sent_at - opened_at) AS sent_median,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY sent_at - opened_at) AS sent_p95,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY sent_at - ended) AS whole_median,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY sent_at - ended) AS whole_p95
FROM (
    SELECT incident_id, tier, opened_at, opened_minute + interval '1 minute' AS ended
    FROM incident
    WHERE pack = :pack AND opened_minute >= :start AND opened_minute < :stop
) AS opened
LEFT JOIN LATERAL (
    SELECT min(outbox.sent_at) AS sent_at
    FROM outbox
    WHERE outbox.incident_id = opened.incident_id AND event = 'opened' AND status = 'sent'
) AS told ON true
GROUP BY tier
ORDER BY tier DESC
