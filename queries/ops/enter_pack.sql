-- Make room for a pack that has never run here: its name, and the row of its leader.
-- Parameters: pack. Grain: none.
WITH entered AS (INSERT INTO pack (pack) VALUES (:pack) ON CONFLICT DO NOTHING)
INSERT INTO leader (scope) VALUES (:pack) ON CONFLICT DO NOTHING
