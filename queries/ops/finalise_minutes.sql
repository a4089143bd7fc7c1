-- Minutes before the horizon are final: what changes later is recorded and raises an alarm.
-- Parameters: pack, before. Grain: one row per minute.
UPDATE minute_ledger SET state = 'final' WHERE pack = :pack AND state = 'provisional' AND minute < :before
