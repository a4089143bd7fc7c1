-- The account of a name, which may get an incident to take care of.
-- Parameters: owner (the name). Grain: one row; accounts says how many there are, role is null where none has the name.
SELECT count(*) AS accounts, max(role) FILTER (WHERE name = :owner AND disabled_at IS NULL) AS role
FROM account
