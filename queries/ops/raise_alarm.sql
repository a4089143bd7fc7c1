-- Record that something is wrong, or still is; one that had ended begins anew.
-- Parameters: pack, name, subject, what, hint, lasts_s (seconds it is shown, null: until it is ended).
-- Grain: one row.
INSERT INTO alarm AS known (pack, name, subject, what, hint, until)
VALUES (:pack, :name, :subject, :what, :hint, now() + make_interval(secs => CAST(:lasts_s AS double precision)))
ON CONFLICT (pack, name, subject) DO UPDATE SET
    what = excluded.what,
    hint = excluded.hint,
    until = excluded.until,
    since = CASE WHEN known.ended_at IS NULL AND coalesce(known.until > now(), true) THEN known.since ELSE now() END,
    seen_at = now(),
    ended_at = NULL
