-- The audit after a number, oldest first, as it is hashed.
-- Parameters: after_number, at_most. Grain: one row per row of the audit.
SELECT number, at, account_id, actor, role, door, credential, origin, act, kind, thing, pack, outcome,
       before::text AS before, after::text AS after, why, previous, hash
FROM audit
WHERE number > :after_number
ORDER BY number
LIMIT :at_most
