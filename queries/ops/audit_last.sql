-- The newest row of the audit, after waiting for whoever is adding one.
-- Parameters: none. Grain: one row; of an empty audit number 0 and a hash of zeros.
SELECT number, hash
FROM (SELECT number, hash FROM audit UNION ALL SELECT 0, decode(repeat('00', 32), 'hex')) AS every
ORDER BY number DESC
LIMIT 1
