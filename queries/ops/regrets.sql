-- What labelled disturbances cost that lasted in a span, as replays found it.
-- Parameters: pack, start, end. Grain: one row per disturbance.
SELECT regret.entity_id, entity_name.name AS entity_name, label, started_at, until, told_at, result
FROM regret
LEFT JOIN entity_name USING (pack, entity_id)
WHERE pack = :pack AND started_at < :end AND until > :start
ORDER BY started_at, regret.entity_id, label
