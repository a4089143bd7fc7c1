-- Store what the permuted null of a business day showed; a second measurement replaces the first.
-- Parameters: business_day, merchants, parts, incidents, allowed, drift_percent, drift_measured. Grain: one row.
INSERT INTO null_day (business_day, merchants, parts, incidents, allowed, drift_percent, drift_measured)
VALUES (:business_day, :merchants, :parts, :incidents, :allowed, :drift_percent, :drift_measured)
ON CONFLICT (business_day) DO UPDATE SET
    merchants = excluded.merchants,
    parts = excluded.parts,
    incidents = excluded.incidents,
    allowed = excluded.allowed,
    drift_percent = excluded.drift_percent,
    drift_measured = excluded.drift_measured,
    measured_at = now()
