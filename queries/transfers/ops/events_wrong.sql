-- What of the events people have to look at.
-- Parameters: none. Grain: one row: dead events that did not get through, in how many accounts, and conflicts of a day.
SELECT (SELECT count(*) FROM transfers.dead_event WHERE delivered_at IS NULL) AS dead,
       (SELECT count(DISTINCT account_id) FROM transfers.dead_event WHERE delivered_at IS NULL) AS accounts,
       (SELECT count(*) FROM transfers.correction_log
        WHERE kind = 'conflict' AND at > clock_timestamp() - interval '1 day') AS conflicts
