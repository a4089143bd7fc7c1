-- Let nobody else change accounts until this transaction ends; gives up after a few seconds rather than hang.
-- Parameters: key (of the advisory lock). Grain: one row.
SELECT set_config('lock_timeout', '5s', true), pg_advisory_xact_lock(:key)
