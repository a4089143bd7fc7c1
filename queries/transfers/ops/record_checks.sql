-- Record what checks answered, each once, where the key that asked still may.
-- Parameters: checks (JSON, an object per check with api_key_id), now, roles (that may check).
-- Grain: one row per check: may its key, was it recorded now, what stands there, is the event booked already.
WITH asked AS (
    SELECT *
    FROM jsonb_to_recordset(CAST(:checks AS jsonb)) AS given (
        transfer_id text, account_id text, event jsonb, content_sha256 text, answer jsonb, decided_by text,
        doubt text, seen text, beside text[], checked_at timestamptz, reserved_until timestamptz,
        api_key_id bigint
    )
), usable AS (
    SELECT k.api_key_id
    FROM api_key AS k
    JOIN account AS a USING (account_id)
    WHERE k.api_key_id IN (SELECT api_key_id FROM asked)
      AND k.revoked_at IS NULL AND k.expires_at > :now AND a.disabled_at IS NULL
      AND a.role = ANY (CAST(:roles AS text[])) AND 'check' = ANY (k.actions)
), recorded AS (
    INSERT INTO transfers.reservation (
        transfer_id, account_id, event, content_sha256, answer, decided_by, doubt, seen, beside, checked_at,
        reserved_until
    )
    SELECT
        transfer_id, account_id, event, content_sha256, answer, decided_by, doubt, CAST(seen AS pg_snapshot),
        beside, checked_at, reserved_until
    FROM asked
    JOIN usable USING (api_key_id)
    WHERE NOT EXISTS (SELECT FROM transfers.event AS e WHERE e.transfer_id = asked.transfer_id)
    ON CONFLICT (transfer_id) DO NOTHING
    RETURNING transfer_id
)
SELECT
    asked.transfer_id,
    usable.api_key_id IS NOT NULL AS usable,
    recorded.transfer_id IS NOT NULL AS recorded,
    before.content_sha256,
    before.answer,
    EXISTS (SELECT FROM transfers.event AS e WHERE e.transfer_id = asked.transfer_id) AS booked
FROM asked
LEFT JOIN usable USING (api_key_id)
LEFT JOIN recorded USING (transfer_id)
LEFT JOIN transfers.reservation AS before USING (transfer_id)
