-- Who leads a pack, and the id that is part of the keys of its messages.
-- Parameters: pack. Grain: one row, none where it has never run here.
SELECT holder, installation FROM leader WHERE scope = :pack
