-- All versions of event rules without their texts, with what is live and what is paused at a moment.
-- Parameters: at. Grain: one row per version, the newest of each rule first; `mode` is how it judges, null: not at all.
SELECT v.rule, v.version, v.status, v.sha256, v.reason, v.author, v.author_id, v.created_at, v.submitted_by,
       v.submitted_by_id, v.submitted_at, a.approved_by, a.approved_at, v.backtest_sha256 IS NOT NULL AS measured,
       v.backtest_asked, judging.mode, judging.from_at,
       (v.status IN ('shadow', 'live') AND v.filled_at IS NULL) AS warming,
       paused.until_at AS paused_until, paused.by AS paused_by, paused.reason AS paused_for
FROM transfers.rule_version AS v
LEFT JOIN transfers.rule_approval AS a USING (rule, version)
LEFT JOIN LATERAL (
    SELECT mode, from_at
    FROM transfers.rule_span AS s
    WHERE s.rule = v.rule AND s.version = v.version AND mode <> 'paused'
      AND (until_at IS NULL OR (until_at > :at AND until_at > from_at))
    ORDER BY from_at DESC
    LIMIT 1
) AS judging ON true
LEFT JOIN LATERAL (
    SELECT until_at, by, reason
    FROM transfers.rule_span AS s
    WHERE s.rule = v.rule AND mode = 'paused' AND until_at > :at AND until_at > from_at
    ORDER BY until_at DESC
    LIMIT 1
) AS paused ON true
ORDER BY v.rule, v.version DESC
