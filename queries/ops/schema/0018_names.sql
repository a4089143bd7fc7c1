-- The name of an entity, as the source last gave it: people look for it, nothing is judged by it.

CREATE TABLE entity_name (
    pack      text NOT NULL REFERENCES pack,
    entity_id text NOT NULL,
    name      text NOT NULL CHECK (name <> '' AND length(name) <= 80),
    PRIMARY KEY (pack, entity_id)
);

-- Grows whenever something else is known of a pack's entities, names or facts.
CREATE TABLE entity_known (
    pack    text PRIMARY KEY REFERENCES pack,
    version bigint NOT NULL
);

CREATE INDEX incident_entity ON incident (pack, entity_id);
