-- Incidents that have resolved a short while ago and come back when their rule is breached again. One that a person
-- resolved is over only when its breach has been quiet, which takes a week at most; the judge sees when that was.
-- Parameters: pack, since (minute), entities (array; null: of all of them). Grain: one row per rule and entity, the one that resolved last.
SELECT DISTINCT ON (rule, entity_id) *
FROM incident_now
WHERE pack = :pack AND status = 'resolved'
  AND (resolved_minute > :since OR breached_minute > CAST(:since AS timestamptz) - interval '7 days')
  AND (CAST(:entities AS text[]) IS NULL OR entity_id = ANY (CAST(:entities AS text[])))
ORDER BY rule, entity_id, resolved_minute DESC
