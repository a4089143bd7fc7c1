-- Propose something to do about an incident's money; minuterisk itself proposes one thing at a time.
-- Parameters: pack, incident_id, entity_id, kind, percent, amount, helps_until, money (jsonb object), why, proposed_by,
--   proposer_id (null: nobody's account), by_machine.
-- Grain: one row, none where minuterisk has proposed something already.
INSERT INTO action (
    pack, incident_id, entity_id, kind, percent, amount, helps_until, money, why, proposed_by, proposer_id, by_machine
)
VALUES (
    :pack, :incident_id, :entity_id, :kind, :percent, :amount, :helps_until, CAST(:money AS jsonb), :why, :proposed_by,
    :proposer_id, :by_machine
)
ON CONFLICT (incident_id) WHERE by_machine AND status IN ('proposed', 'approved', 'told') DO NOTHING
RETURNING action_id
