-- A ledger restored from a backup is older than what readers and people have seen; it has to know until when.

ALTER TABLE watermark ADD COLUMN told_until timestamptz;
COMMENT ON COLUMN watermark.told_until IS
    'Messages about minutes before it may have been sent by the state that a restore has forgotten';
