-- Take a route off the list; the ones below move up.
-- Parameters: name. Grain: the row that was there, or none.
WITH gone AS (DELETE FROM route WHERE name = :name RETURNING name, place, match, channel, second, goes_on),
moved AS (UPDATE route SET place = place - 1 WHERE place > (SELECT place FROM gone) AND name <> :name)
SELECT * FROM gone
