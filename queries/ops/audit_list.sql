-- The newest rows of the audit, for people.
-- Parameters: actor, act, kind, thing, outcome (each null: any), since, until (null: no limit), at_most.
-- Grain: one row per row of the audit, newest first.
SELECT number, at, actor, role, door, credential, origin, act, kind, thing, pack, outcome, before, after, why
FROM audit
WHERE actor = coalesce(:actor, actor)
  AND act = coalesce(:act, act)
  AND kind = coalesce(:kind, kind)
  AND thing = coalesce(:thing, thing)
  AND outcome = coalesce(:outcome, outcome)
  AND at >= coalesce(:since, at)
  AND at <= coalesce(:until, at)
ORDER BY number DESC
LIMIT :at_most
