-- Who takes care of incidents, or may: accounts of these roles that are not disabled, and owners of unresolved incidents.
-- Parameters: pack, roles (text array). Grain: one row per name.
SELECT name FROM account WHERE disabled_at IS NULL AND role = ANY(:roles)
UNION
SELECT owner FROM incident WHERE pack = :pack AND status <> 'resolved' AND owner IS NOT NULL
ORDER BY name
