-- Let nobody else number or change a version of this pack until this transaction ends; minutes go on.
-- Parameters: pack. Grain: one row.
SELECT pack FROM pack WHERE pack = :pack FOR NO KEY UPDATE
