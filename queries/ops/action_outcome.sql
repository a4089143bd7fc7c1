-- Keep what became of an action, as far as it is known now.
-- Parameters: pack, id, outcome (jsonb object). Grain: one row, or none.
UPDATE action SET outcome = CAST(:outcome AS jsonb) WHERE pack = :pack AND action_id = :id
RETURNING action_id
