-- One page of the audit.
-- Parameters: actor, act, kind, thing, outcome (each null: any), since, until (before this; null: no limit),
--   before_number (rows of smaller numbers; null: from the newest), at_most.
-- Grain: one row per row of the audit, newest first.
SELECT number, at, actor, role, door, credential, origin, act, kind, thing, pack AS of_pack, outcome, before, after, why
FROM audit
WHERE actor = coalesce(:actor, actor)
  AND act = coalesce(:act, act)
  AND kind = coalesce(:kind, kind)
  AND thing = coalesce(:thing, thing)
  AND outcome = coalesce(:outcome, outcome)
  AND at >= coalesce(:since, at)
  AND at < coalesce(CAST(:until AS timestamptz), 'infinity')
  AND number < coalesce(CAST(:before_number AS bigint), 9223372036854775807)
ORDER BY number DESC
LIMIT :at_most
