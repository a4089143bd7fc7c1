-- Check: No message about an incident that is still open was given up.
-- 검사: 아직 열린 사건의 메시지 중 포기된 것이 없다.
-- Severity: warning
-- Next: `minuterisk outbox list --status dead` says why; `minuterisk outbox requeue` sends it again
SELECT message_id, incident_id, event, destination
FROM message
JOIN incident USING (incident_id)
WHERE message.status = 'dead' AND incident.status <> 'resolved'
ORDER BY message_id
