-- Datasets that are published beside the counted rows: since when each is known without a gap. The rows before the
-- first published minute (the opening) have files and no minutes in the ledger.

CREATE TABLE dataset_known (
    pack       text NOT NULL REFERENCES pack,
    dataset    text NOT NULL,
    known_from timestamptz NOT NULL,
    opened_at  timestamptz,
    PRIMARY KEY (pack, dataset)
);
COMMENT ON COLUMN dataset_known.opened_at IS 'Null: what lies before the first published minute is still to be read';
