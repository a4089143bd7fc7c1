-- End what people hold back; at its own start: it never was.
-- Parameters: pack, id, end, by. Grain: one row.
UPDATE withheld SET end_minute = :end, ended_by = :by, ended_at = now()
WHERE pack = :pack AND withheld_id = :id
