-- One version with its text.
-- Parameters: pack, version. Grain: one row, none where it does not exist.
SELECT version, parent, instead_of, origin, status, reason, author, author_id, created_at, submitted_by, submitted_by_id,
       submitted_at, approved_by, approved_by_id, decided_at, withdrawn_by, withdrawn_at, in_force_from, backtest,
       backtest_asked_at, backtest_started_at,
       numbers
FROM rule_version
WHERE pack = :pack AND version = :version
