-- Datasets that are published beside the counted rows: since when each is known without a gap.
-- Parameters: pack. Grain: one row per dataset; opened: what lies before the first published minute was read, too.
SELECT dataset, known_from, opened_at IS NOT NULL AS opened
FROM dataset_known
WHERE pack = :pack
