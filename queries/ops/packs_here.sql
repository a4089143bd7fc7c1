-- The packs that this installation has run. Parameters: none. Grain: one row per pack, in the order of their coming.
SELECT pack FROM pack ORDER BY number
