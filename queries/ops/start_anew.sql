-- Forget everything that came from a pack's source and everything told about it; its next start publishes its
-- history again. A new installation id makes the keys of new messages others than those of the old ones.
-- Settings are not here, and what people have decided stays: accounts, audit, versions of rules. Only the leader does
-- this, in one transaction.
-- Parameters: pack. Grain: none.
WITH messages AS (
    DELETE FROM outbox USING incident WHERE outbox.incident_id = incident.incident_id AND incident.pack = :pack
),
incidents AS (DELETE FROM incident WHERE pack = :pack),
revisions AS (DELETE FROM minute_revision WHERE pack = :pack),
minutes AS (DELETE FROM minute_ledger WHERE pack = :pack),
repairs AS (DELETE FROM repair_request WHERE pack = :pack),
strays AS (DELETE FROM stray_minute WHERE pack = :pack),
measured AS (DELETE FROM nightly WHERE pack = :pack),
regretted AS (DELETE FROM regret WHERE pack = :pack),
foreseen AS (DELETE FROM forecast WHERE pack = :pack),
reports AS (DELETE FROM job_report WHERE pack = :pack),
known AS (DELETE FROM entity_fact WHERE pack = :pack),
named AS (DELETE FROM entity_name WHERE pack = :pack),
known_anew AS (UPDATE entity_known SET version = version + 1 WHERE pack = :pack),
alarms AS (DELETE FROM alarm WHERE pack = :pack),
fence AS (DELETE FROM source_fence WHERE pack = :pack),
mark AS (DELETE FROM watermark WHERE pack = :pack),
datasets AS (DELETE FROM dataset_known WHERE pack = :pack),
files AS (DELETE FROM lake_file WHERE pack = :pack)
UPDATE leader SET installation = gen_random_uuid() WHERE scope = :pack
