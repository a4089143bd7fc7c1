-- The person knows what became of the press, or cannot be told: nothing is left to do.
-- Parameters: key. Grain: none.
UPDATE press SET response_url = NULL WHERE key = :key
