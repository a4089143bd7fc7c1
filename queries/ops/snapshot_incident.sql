-- Incidents for the analysts' file: numbers and times, no names of people and no texts of theirs.
-- Parameters: pack, since (opened, or still unresolved), at_most (integer, rows).
-- Grain: one row per incident, the newest first; `more` holds the money by part and figure.
SELECT
    incident_id, rule, entity_id, entity_name, tier, severity, status, policy, times, opened_minute,
    last_breach_minute, resolved_minute, corrected_minute, opened_at, acknowledged_at, resolved_at,
    CAST(snooze ->> 'until' AS timestamptz) AS snoozed_until,
    owner IS NOT NULL AS assigned,
    (
        SELECT given ->> 'label'
        FROM incident_act AS acted
        WHERE acted.incident_id = incident.incident_id AND act = 'label'
        ORDER BY act_id DESC
        LIMIT 1
    ) AS label,
    currency, at_risk, reason, latest_reason, parts || figures AS more
FROM incident
WHERE pack = :pack AND (opened_minute >= :since OR status <> 'resolved')
ORDER BY opened_minute DESC, incident_id DESC
LIMIT :at_most
