-- Release what checks have held for their time.
-- Parameters: now. Grain: none.
UPDATE transfers.reservation
SET released_at = reserved_until, released_by = 'time'
WHERE released_at IS NULL AND reserved_until <= :now
