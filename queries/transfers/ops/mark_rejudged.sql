-- Mark what judging checks again came to.
-- Parameters: transfer_ids, rejudged (same, late, differs). Grain: none.
UPDATE transfers.reservation SET rejudged = :rejudged WHERE transfer_id = ANY (CAST(:transfer_ids AS text[]))
