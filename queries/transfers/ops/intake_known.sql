-- A later word on events that are known: the same again is nothing; another status is a correction, which changes the
-- event; anything else is a conflict, and the first stays. Corrections and conflicts are logged, each conflict once.
-- Parameters: events (JSON array, each id once; times in milliseconds since 1970), origin (relay, http, source, desk),
-- forward (true: a status only goes from completed to declined to reversed, so that an older word that is
-- delivered again changes nothing).
-- Grain: one row per event: its id and what it was (equal, correction, conflict).
WITH given AS (
    SELECT transfer_id, kind, status, account_id, coalesce(user_id, account_id) AS user_id, amount, currency, country,
           (timestamptz 'epoch' + occurred_at * interval '1 millisecond')::timestamptz(3) AS occurred_at,
           payee_id, card_id, device_id, merchant_id, channel, lat_e6, lon_e6,
           (timestamptz 'epoch' + account_opened * interval '1 millisecond')::timestamptz(3) AS account_opened
    FROM json_to_recordset(CAST(:events AS json)) AS given (
        transfer_id text, kind text, status text, account_id text, user_id text, amount bigint, currency text,
        country text, occurred_at bigint, payee_id text, card_id text, device_id text, merchant_id text,
        channel text, lat_e6 integer, lon_e6 integer, account_opened bigint
    )
),
known AS (
    SELECT event.transfer_id, event.status AS was, given.status AS becomes,
           to_jsonb(event) AS known, to_jsonb(given) AS after
    FROM transfers.event JOIN given USING (transfer_id)
    ORDER BY transfer_id
    FOR UPDATE OF event
),
judged AS (
    SELECT *, CASE
        WHEN NOT known @> (after - 'status') THEN 'conflict'
        WHEN was = becomes THEN 'equal'
        WHEN :forward AND array_position(ARRAY['completed', 'declined', 'reversed'], becomes)
                        < array_position(ARRAY['completed', 'declined', 'reversed'], was) THEN 'equal'
        ELSE 'correction'
    END AS said
    FROM known
),
changed AS (
    UPDATE transfers.event SET status = judged.becomes, written = pg_current_xact_id()
    FROM judged WHERE event.transfer_id = judged.transfer_id AND judged.said = 'correction'
),
logged AS (
    INSERT INTO transfers.correction_log (transfer_id, kind, before, after, origin)
    SELECT transfer_id, said,
           (SELECT jsonb_object_agg(field, known -> field) FROM jsonb_object_keys(after) AS field), after, :origin
    FROM judged
    WHERE said = 'correction' OR said = 'conflict' AND NOT EXISTS (
        SELECT FROM transfers.correction_log AS earlier
        WHERE earlier.transfer_id = judged.transfer_id AND earlier.kind = 'conflict' AND earlier.after = judged.after
    )
)
SELECT transfer_id, said FROM judged
