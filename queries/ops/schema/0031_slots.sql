-- A published file holds the rows of entities of some slots (baselines/slots.py), mostly of all 1,024: several files of a
-- minute that share no slot count it once.

ALTER TABLE lake_file
    ADD COLUMN slots int4range NOT NULL DEFAULT '[0,1024)' CHECK (NOT isempty(slots) AND slots <@ int4range(0, 1024)),
    DROP CONSTRAINT minute_once,
    ADD CONSTRAINT minute_once EXCLUDE USING gist (
        word_range(pack, pack, '[]') WITH &&,
        word_range(dataset, dataset, '[]') WITH &&,
        tstzrange(start_minute, end_minute) WITH &&,
        slots WITH &&
    ) WHERE (retired_at IS NULL);
