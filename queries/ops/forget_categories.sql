-- Forget what was known of categories from a minute on: another read takes its place.
-- Parameters: from_minute. Grain: one row per merchant and change.
DELETE FROM merchant_category WHERE from_minute >= :from_minute
