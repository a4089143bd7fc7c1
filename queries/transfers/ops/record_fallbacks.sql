-- Record the answers that the fallback gave. One that the rules gave to the same check too late gives way and holds
-- nothing; what an earlier check left stays.
-- Parameters: checks (JSON, an object per check). Grain: none.
INSERT INTO transfers.reservation (
    transfer_id, account_id, event, content_sha256, answer, decided_by, doubt, checked_at, reserved_until
)
SELECT transfer_id, account_id, event, content_sha256, answer, 'fallback', doubt, checked_at, checked_at
FROM jsonb_to_recordset(CAST(:checks AS jsonb)) AS given (
    transfer_id text, account_id text, event jsonb, content_sha256 text, answer jsonb, doubt text,
    checked_at timestamptz
)
ON CONFLICT (transfer_id) DO UPDATE
SET answer = excluded.answer, decided_by = 'fallback', doubt = excluded.doubt, seen = NULL,
    reserved_until = excluded.checked_at
WHERE reservation.checked_at = excluded.checked_at AND reservation.decided_by = 'rules'
