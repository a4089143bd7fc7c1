-- The number that tells a pack's lock from other packs'.
-- Parameters: pack. Grain: one row, none where it has never run here.
SELECT number FROM pack WHERE pack = :pack
