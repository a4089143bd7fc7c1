-- Actions for the analysts' file; people are numbers of accounts, null: minuterisk itself.
-- Parameters: pack, since, at_most (integer, rows). Grain: one row per action, the newest first.
SELECT action_id, incident_id, entity_id, kind, percent, amount, helps_until, status,
       NOT coalesce(CAST(whole ->> 'by_machine' AS boolean), proposer_id IS NULL) AS by_person,
       proposer_id, approver_id, proposed_at, CAST(whole ->> 'decided_at' AS timestamptz) AS decided_at,
       told_at, ended_at, money, outcome
FROM action
CROSS JOIN LATERAL to_jsonb(action) AS whole
WHERE pack = :pack AND proposed_at >= :since
ORDER BY action_id DESC
LIMIT :at_most
