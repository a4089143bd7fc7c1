-- Every file the ledger names, published or retired, of all packs: what is no pack's is an orphan.
-- Parameters: none. Grain: one row per file.
SELECT path FROM lake_file
