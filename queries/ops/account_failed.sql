-- A failed sign-in; the last of several in a row locks the account for a while. Parameters: account, most, now,
-- locked_until. Grain: one row where the account exists and was not locked.
UPDATE account
SET failures = CASE WHEN failures + 1 >= :most THEN 0 ELSE failures + 1 END,
    locked_until = CASE WHEN failures + 1 >= :most THEN CAST(:locked_until AS timestamptz) END
WHERE name = :account
  AND (locked_until IS NULL OR locked_until <= :now)
RETURNING account_id, locked_until IS NOT NULL AS locked
