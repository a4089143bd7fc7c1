-- What was wrong is right again.
-- Parameters: pack, name, subject. Grain: one row, or none where it was not open.
UPDATE alarm SET ended_at = now() WHERE pack = :pack AND name = :name AND subject = :subject AND ended_at IS NULL
