-- Has anything changed that the own screens of payments show, beside what people do, which stands in the audit?
-- Parameters: none. Grain: one row; what comes each second is no part of it: the feed follows that by itself.
SELECT md5(concat_ws('|',
    (SELECT revision FROM transfers.rule_revision),
    (
        SELECT string_agg(
            concat_ws(':', rule, version, status, backtest_sha256, backtest_asked IS NULL, filled_at IS NULL),
            ',' ORDER BY rule, version
        )
        FROM transfers.rule_version
        WHERE status IN ('draft', 'submitted', 'shadow', 'live')
    ),
    (SELECT concat_ws(':', max(number), count(requeued_at), count(delivered_at)) FROM transfers.dead_event),
    (SELECT string_agg(concat_ws(':', owner, breaker, error), ',' ORDER BY owner) FROM transfers.relay),
    (SELECT opened_at FROM transfers.breaker),
    (SELECT max(reported_at) FROM transfers.outcome)
)) AS hash
