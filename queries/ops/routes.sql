-- Where incidents are told, in order.
-- Parameters: none. Grain: one row per route.
SELECT name, place, match, channel, second, goes_on, created_at, created_by FROM route ORDER BY place
