-- What bounds our reads of a PostgreSQL source. All of it ends with the transaction, so that behind a connection
-- pooler the next client of the same server session finds nothing of ours. No parallel workers: they would be
-- sessions beside the two that we promise.
-- Parameters: $1 statement_timeout, $2 lock_timeout, $3 idle_in_transaction_session_timeout (text, milliseconds).
-- Grain: one row.
SELECT
    set_config('application_name', 'minuterisk', true),
    set_config('statement_timeout', $1::text, true),
    set_config('lock_timeout', $2::text, true),
    set_config('idle_in_transaction_session_timeout', $3::text, true),
    set_config('max_parallel_workers_per_gather', '0', true),
    set_config('TimeZone', 'UTC', true)
