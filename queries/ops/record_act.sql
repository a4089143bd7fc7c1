-- Keep what a person did with an incident.
-- Parameters: id, act, by, account_id (null: nobody's account), given (jsonb array of one). Grain: one row.
INSERT INTO incident_act (incident_id, act, by, account_id, given)
VALUES (:id, :act, :by, :account_id, CAST(:given AS jsonb) -> 0)
