-- End the session that holds the leader's lock if the leader has not beaten for too long.
-- Parameters: pack, heart_stopped_s, lock_key (the advisory lock). Grain: one row per ended session.
SELECT pg_terminate_backend(pid)
FROM pg_locks, leader
WHERE locktype = 'advisory' AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) + objid::bigint = :lock_key
  AND leader.scope = :pack
  AND leader.heartbeat_at < now() - make_interval(secs => :heart_stopped_s)
