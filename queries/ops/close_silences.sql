-- Take the silences that are over and of whose end the pack's people do not know yet; once, whoever asks. Waits for
-- transactions that still silence something by them.
-- Parameters: pack. Grain: one row per silence.
UPDATE silence SET closed_packs = closed_packs || CAST(:pack AS text)
WHERE (ended_at IS NOT NULL OR ends_at <= now())
  AND NOT :pack = ANY(closed_packs)
RETURNING silence_id
