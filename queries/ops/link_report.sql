-- Say how the link to a report stands.
-- Parameters: pack, about, link (due, sending, told, refused), channel, message_ts (null: not known). Grain: one row.
UPDATE report SET link = :link, channel = :channel, message_ts = :message_ts, link_at = now()
WHERE pack = :pack AND about = :about
