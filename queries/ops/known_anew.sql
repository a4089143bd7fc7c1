-- Something else is known of a pack's entities: whoever keeps what he read of it reads it again.
-- Parameters: pack. Grain: one row.
INSERT INTO entity_known AS known (pack, version) VALUES (:pack, 1)
ON CONFLICT (pack) DO UPDATE SET version = known.version + 1
