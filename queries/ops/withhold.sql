-- Hold signals back.
-- Parameters: pack, kind, rule, entity_id, start, end, reason, by. Grain: one row with its number.
INSERT INTO withheld (pack, kind, rule, entity_id, start_minute, end_minute, reason, by)
VALUES (:pack, :kind, :rule, :entity_id, :start, :end, :reason, :by)
RETURNING withheld_id
