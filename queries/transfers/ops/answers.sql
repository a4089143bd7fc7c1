-- What became of events: a row of the log for each, and which rules fired. An event that was judged before gets a
-- revision where the answer is another one, never a second row; a hit that no longer holds is marked, never deleted.
-- Parameters: rows (JSON array, each transfer_id once; `hits` is a JSON array as text, null: none; `because` what makes
-- an earlier answer wrong, null: the closed minute). Grain: none.
WITH given AS (
    SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS given (
        transfer_id text, occurred_at timestamptz, account_id text, status text, decision text, score smallint,
        why text, late boolean, hits text, because text
    )
),
before AS (
    SELECT transfer_id FROM transfers.risk_log JOIN given USING (transfer_id)
    ORDER BY transfer_id
    FOR UPDATE OF risk_log
),
logged AS (
    INSERT INTO transfers.risk_log AS log (transfer_id, occurred_at, account_id, status, decision, score, why, late)
    SELECT transfer_id, occurred_at, account_id, status, decision, score, why, late
    FROM given
    ORDER BY occurred_at, transfer_id
    ON CONFLICT (transfer_id) DO UPDATE
    SET status = excluded.status, decision = excluded.decision, score = excluded.score, why = excluded.why,
        revision = log.revision + 1, judged_at = clock_timestamp(), confirmed_at = NULL
    WHERE (log.status, log.decision, log.score, log.why)
        IS DISTINCT FROM (excluded.status, excluded.decision, excluded.score, excluded.why)
),
fired AS (
    SELECT given.transfer_id, given.occurred_at, before.transfer_id IS NOT NULL AS late, hit.*
    FROM given
    LEFT JOIN before USING (transfer_id)
    CROSS JOIN LATERAL json_to_recordset(CAST(given.hits AS json)) AS hit (
        rule text, version integer, severity text, score smallint, action text, mode text, explanation text,
        say_ko text, say_en text
    )
    WHERE given.hits IS NOT NULL
),
hit AS (
    INSERT INTO transfers.risk_rule_hit AS known (
        transfer_id, rule, version, severity, score, action, mode, occurred_at, explanation, say_ko, say_en, late
    )
    SELECT transfer_id, rule, version, severity, score, action, mode, occurred_at, explanation, say_ko, say_en, late
    FROM fired
    ORDER BY occurred_at, transfer_id, rule
    ON CONFLICT (transfer_id, rule, version) DO UPDATE
    SET severity = excluded.severity, score = excluded.score, action = excluded.action, mode = excluded.mode,
        explanation = excluded.explanation, say_ko = excluded.say_ko, say_en = excluded.say_en,
        revision = known.revision + 1, corrected_at = NULL, corrected_by = NULL
    WHERE known.corrected_at IS NOT NULL OR known.mode <> excluded.mode OR known.explanation <> excluded.explanation
)
UPDATE transfers.risk_rule_hit AS wrong
SET corrected_at = clock_timestamp(), corrected_by = coalesce(given.because, 'minute')
FROM given
WHERE wrong.transfer_id = given.transfer_id AND wrong.corrected_at IS NULL
  AND NOT EXISTS (
    SELECT FROM fired
    WHERE fired.transfer_id = wrong.transfer_id AND fired.rule = wrong.rule AND fired.version = wrong.version
)
