-- The texts of all versions that judge and whose windows are full.
-- Parameters: none. Grain: one row per version.
SELECT content FROM transfers.rule_version WHERE status IN ('shadow', 'live') AND filled_at IS NOT NULL
