-- What is done about an incident's money: proposed, approved by somebody else, told to the company's own systems,
-- then confirmed by what the source shows, or lapsed. Nothing is ever changed in the source.

CREATE TABLE action (
    action_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pack            text NOT NULL REFERENCES pack,
    incident_id     bigint NOT NULL REFERENCES incident ON DELETE CASCADE,
    entity_id       text NOT NULL,
    kind            text NOT NULL CHECK (kind <> ''),
    percent         integer CHECK (percent BETWEEN 1 AND 100),
    amount          bigint CHECK (amount >= 0),
    helps_until     timestamptz,
    status          text NOT NULL DEFAULT 'proposed'
                    CHECK (status IN ('proposed', 'approved', 'told', 'confirmed', 'lapsed', 'declined')),
    money           jsonb NOT NULL DEFAULT '{}',
    why             text NOT NULL DEFAULT '',
    proposed_at     timestamptz NOT NULL DEFAULT now(),
    proposed_by     text NOT NULL CHECK (proposed_by <> ''),
    proposer_id     bigint,
    approved_at     timestamptz,
    approved_by     text,
    approver_id     bigint,
    told_at         timestamptz,
    ended_at        timestamptz,
    idempotency_key uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    outcome         jsonb NOT NULL DEFAULT '{}',
    CHECK (proposer_id IS NULL OR approver_id IS NULL OR proposer_id <> approver_id)
);
COMMENT ON COLUMN action.amount IS 'What it would keep, in minor units; null: not known';
COMMENT ON COLUMN action.proposer_id IS 'Null: minuterisk itself';
COMMENT ON COLUMN action.money IS 'The money of the incident when it was proposed: parts and figures';
COMMENT ON COLUMN action.outcome IS 'kept, lost, and what a false alarm cost, in minor units; as far as it is known';
CREATE INDEX action_by_incident ON action (incident_id);
CREATE INDEX action_open ON action (pack, status) WHERE status IN ('proposed', 'approved', 'told');
