-- Ends sessions of ours whose client stopped in the middle of what it was sending: the server waits for the rest, keeps
-- all locks of the transaction meanwhile, and idle_in_transaction_session_timeout does not see it, for in the server's
-- eyes a statement is running. A stopped or frozen process would hold up everybody else for as long as it likes.
-- Parameters: silent_s (what is begun has been waited for so long). Grain: one row per ended session.
SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND application_name LIKE 'minuterisk%'
  AND state = 'active' AND wait_event_type = 'Client' AND wait_event = 'ClientRead' AND xact_start IS NOT NULL
  AND query_start < clock_timestamp() - make_interval(secs => :silent_s) AND pid <> pg_backend_pid()
