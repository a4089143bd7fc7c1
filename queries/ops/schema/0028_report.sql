-- Reports that were written by themselves, so that each is written and linked once.

CREATE TABLE report (
    pack       text NOT NULL REFERENCES pack,
    about      text NOT NULL,
    path       text NOT NULL,
    sha256     text NOT NULL,
    bytes      bigint NOT NULL CHECK (bytes > 0),
    written_at timestamptz NOT NULL DEFAULT now(),
    link       text NOT NULL DEFAULT 'due' CHECK (link IN ('due', 'sending', 'told', 'refused')),
    channel    text,
    message_ts text,
    link_at    timestamptz,
    PRIMARY KEY (pack, about)
);
COMMENT ON COLUMN report.about IS 'A business day as ISO date, a week as 2026-W48';
COMMENT ON COLUMN report.path IS 'Below the home';
COMMENT ON COLUMN report.link IS 'sending: it was perhaps told before a crash, so the channel is looked into first';
