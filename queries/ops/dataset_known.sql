-- A dataset is known since then; opened: also what lies before the first published minute was read.
-- Parameters: pack, dataset, known_from, opened (boolean). Grain: one row.
INSERT INTO dataset_known (pack, dataset, known_from, opened_at)
VALUES (:pack, :dataset, :known_from, CASE WHEN :opened THEN now() END)
ON CONFLICT (pack, dataset) DO UPDATE SET known_from = excluded.known_from, opened_at = excluded.opened_at
