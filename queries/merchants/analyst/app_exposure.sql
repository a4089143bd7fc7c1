-- What merchants owe and may come to owe, at the newest minute: the highest expected loss first, where it is not known
-- by what is at risk; of whom nothing is known comes last here, as it is said how many they are.
-- Parameters: state (healthy, surge, silent, both; null: all), merchant (an id; null: all), at_most, past (rows that
-- are given, and passed over before).
-- Grain: one row per merchant; `found` counts all of them.
SELECT
    *,
    paid_out_cancelable + unrecovered AS at_risk,
    count(*) OVER () AS found
FROM exposure
WHERE minute = (SELECT max(minute) FROM exposure)
  AND ($state::VARCHAR IS NULL OR state = $state)
  AND ($merchant::VARCHAR IS NULL OR merchant_id = $merchant)
ORDER BY coalesce(expected_loss, paid_out_cancelable + unrecovered) DESC NULLS LAST,
         paid_out_cancelable + unrecovered DESC NULLS LAST, merchant_id
LIMIT $at_most OFFSET $past
