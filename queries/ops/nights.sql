-- What a pack measured in the last nights, newest first.
-- Parameters: pack, at_most (rows). Grain: one row per business day.
SELECT day, result FROM nightly WHERE pack = :pack ORDER BY day DESC LIMIT :at_most
