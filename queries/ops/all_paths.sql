-- Every file the ledger names, published or retired.
-- Parameters: none. Grain: one row per file.
SELECT path FROM lake_file
