-- Put a route at a place; the ones from there on move down.
-- Parameters: name, place, match (jsonb), channel, second, goes_on, by. Grain: none.
WITH moved AS (UPDATE route SET place = place + 1 WHERE place >= :place)
INSERT INTO route (name, place, match, channel, second, goes_on, created_by)
VALUES (:name, :place, CAST(:match AS jsonb), :channel, :second, :goes_on, :by)
