-- The texts of some versions.
-- Parameters: pack, versions (integer array). Grain: one row per version.
SELECT version, numbers FROM rule_version WHERE pack = :pack AND version = ANY(:versions)
