-- What was foreseen on a business day, as the pack puts it: kept, so that a page need not ask the source.

CREATE TABLE forecast (
    pack    text NOT NULL REFERENCES pack,
    day     date NOT NULL,
    result  jsonb NOT NULL CHECK (jsonb_typeof(result) = 'object'),
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (pack, day)
);
COMMENT ON COLUMN forecast.result IS 'What it holds only the pack knows';
