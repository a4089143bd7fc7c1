-- Minutes that have been read again; one that was asked for anew meanwhile stays.
-- Parameters: pack, minutes (timestamptz array), asked_until (newest request that was known). Grain: one row per minute.
DELETE FROM repair_request WHERE pack = :pack AND minute = ANY(:minutes) AND requested_at <= :asked_until
