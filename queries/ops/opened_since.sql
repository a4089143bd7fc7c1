-- How many incidents were opened under a policy, by rule.
-- Parameters: pack, policy, since (minute, included). Grain: one row per rule that opened any.
SELECT rule, count(*) AS incidents
FROM incident
WHERE pack = :pack AND policy = :policy AND opened_minute >= :since
GROUP BY rule
