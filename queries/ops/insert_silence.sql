-- Begin a silence.
-- Parameters: match (jsonb), reason, starts_at (null: now), ends_at, by. Grain: the new row.
INSERT INTO silence (match, reason, starts_at, ends_at, created_by)
VALUES (CAST(:match AS jsonb), :reason, coalesce(:starts_at, now()), :ends_at, :by)
RETURNING silence_id, starts_at, ends_at
