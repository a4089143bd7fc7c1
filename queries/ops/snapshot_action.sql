-- Actions for the analysts' file; people are numbers of accounts, null: minuterisk itself.
-- Parameters: pack, since, at_most (integer, rows). Grain: one row per action, the newest first.
SELECT action_id, incident_id, entity_id, kind, percent, amount, helps_until, status,
       NOT by_machine AS by_person, proposer_id, approver_id, proposed_at, decided_at, told_at, ended_at,
       money, outcome
FROM action
WHERE pack = :pack AND proposed_at >= :since
ORDER BY proposed_at DESC, action_id DESC
LIMIT :at_most
