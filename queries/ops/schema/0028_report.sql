-- Reports that were written by themselves, so that each is written and linked once.

CREATE TABLE report (
    pack       text NOT NULL REFERENCES pack,
    about      text NOT NULL,
    path       text NOT NULL,
    sha256     text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pack, about)
);
COMMENT ON COLUMN report.about IS 'A business day as ISO date, a week as 2026-W48';
