-- Filters of the inbox that a person keeps by a name: the question that the address of the screen asks. Each one's own.
CREATE TABLE saved_view (
    view_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account,
    pack       text NOT NULL REFERENCES pack,
    name       text NOT NULL CHECK (name <> '' AND length(name) <= 60),
    query      text NOT NULL CHECK (length(query) <= 1000),
    saved_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, pack, name)
);
