-- After a restore: versions go on from what readers have seen, and what may have been told is asked for first.
-- Parameters: pack, version (of the readers' list), told_until. Grain: one row if the ledger was older, else none.
WITH older AS (
    UPDATE watermark SET version = :version + 1, told_until = :told_until
    WHERE pack = :pack AND version < :version
    RETURNING version
),
marked AS (
    UPDATE outbox SET ambiguous = true
    FROM incident
    WHERE outbox.incident_id = incident.incident_id AND incident.pack = :pack
      AND outbox.status = 'pending' AND EXISTS (SELECT FROM older)
)
SELECT version FROM older
