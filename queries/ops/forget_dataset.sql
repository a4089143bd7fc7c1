-- A dataset is not known any more: its query is gone.
-- Parameters: pack, dataset. Grain: one row.
DELETE FROM dataset_known WHERE pack = :pack AND dataset = :dataset
