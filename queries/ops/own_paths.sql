-- Every file of a pack that the ledger names, published or retired.
-- Parameters: pack. Grain: one row per file.
SELECT path FROM lake_file WHERE pack = :pack
