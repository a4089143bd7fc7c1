-- One action, kept from changing until the transaction ends.
-- Parameters: pack, id. Grain: one row, or none.
SELECT * FROM action WHERE pack = :pack AND action_id = :id FOR UPDATE
