-- What was foreseen on the last business days, newest first.
-- Parameters: pack, at_most (rows). Grain: one row per business day.
SELECT day, result, made_at FROM forecast WHERE pack = :pack ORDER BY day DESC LIMIT :at_most
