-- Which version of what is known of a pack's entities there is; what was made of it stays right as long as it is the same.
-- Parameters: pack. Grain: one row; 0 where nothing was ever known.
SELECT coalesce((SELECT version FROM entity_known WHERE pack = :pack), 0) AS version
