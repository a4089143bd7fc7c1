-- Bring what minuterisk itself has proposed up to the incident's money of now, as long as nobody has decided on it.
-- Parameters: pack, id, kind, percent, amount, helps_until, money (jsonb object).
-- Grain: one row, none where somebody has decided meanwhile.
UPDATE action
SET kind = :kind, percent = :percent, amount = :amount, helps_until = :helps_until, money = CAST(:money AS jsonb)
WHERE pack = :pack AND action_id = :id AND status = 'proposed' AND by_machine
RETURNING action_id
