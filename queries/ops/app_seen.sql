-- Has anything changed since a page was drawn? A hash of all that people are shown of a pack from this database,
-- with the sign of life of its leader beside it, which the hash leaves out: it changes every few seconds.
-- Parameters: pack.
-- Grain: one row; the epoch of a pack that has never run is 0, next_minute is null before anything is published.
SELECT
    coalesce(leader.epoch, 0) AS epoch,
    coalesce(leader.heartbeat_at, now()) AS heartbeat_at,
    now() AS database_clock,
    watermark.next_minute,
    watermark.history_until,
    (SELECT max(version_num) FROM schema_version) AS revision,
    md5(concat_ws('|',
        leader.epoch,
        watermark.next_minute,
        (
            SELECT string_agg(
                concat_ws(':', incident_id, status, severity, times, last_breach_minute, parts, figures, owner, snooze ->> 'until'),
                ',' ORDER BY incident_id
            )
            FROM incident
            WHERE incident.pack = asked.pack AND status <> 'resolved'
        ),
        (SELECT max(act_id) FROM incident_act),
        (SELECT max(outbox_id) FROM outbox),
        (
            SELECT string_agg(concat_ws(':', outbox_id, outbox.status, attempts), ',' ORDER BY outbox_id)
            FROM outbox
            WHERE outbox.status IN ('pending', 'sending')
        ),
        (SELECT max(number) FROM audit),
        (SELECT version FROM entity_known WHERE entity_known.pack = asked.pack),
        (
            SELECT string_agg(concat_ws(':', name, subject, since), ',' ORDER BY name, subject, since)
            FROM alarm
            WHERE alarm.pack IN (asked.pack, '') AND ended_at IS NULL AND coalesce(until > now(), true)
        ),
        (
            SELECT string_agg(
                concat_ws(':', version, status, backtest IS NOT NULL, backtest_asked_at, backtest_started_at),
                ',' ORDER BY version
            )
            FROM rule_version
            WHERE rule_version.pack = asked.pack
        ),
        (
            SELECT string_agg(concat_ws(':', action_id, status, amount, helps_until), ',' ORDER BY action_id)
            FROM action
            WHERE action.pack = asked.pack AND status IN ('proposed', 'approved', 'told')
        ),
        (SELECT max(day) FROM nightly WHERE nightly.pack = asked.pack),
        (SELECT max(made_at) FROM forecast WHERE forecast.pack = asked.pack)
    )) AS hash
FROM (SELECT CAST(:pack AS text) AS pack) AS asked
LEFT JOIN leader ON leader.scope = asked.pack
LEFT JOIN watermark ON watermark.pack = asked.pack
