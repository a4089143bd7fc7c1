-- One hour by hand: merchant, approvals, cancels, approved and cancelled amount. The hour's ends are %s, in turns.
SELECT merchant_uuid::text, count(*) FILTER (WHERE event_type = 'CAPTURED'),
    count(*) FILTER (WHERE event_type IN ('REFUNDED', 'PARTIAL_REFUND')),
    coalesce(sum(amount) FILTER (WHERE event_type = 'CAPTURED'), 0)::bigint,
    coalesce(sum(amount) FILTER (WHERE event_type IN ('REFUNDED', 'PARTIAL_REFUND')), 0)::bigint
FROM payment_events, (VALUES (%s::timestamptz, %s::timestamptz)) AS v (a, b)
WHERE event_time >= a AND event_time < b GROUP BY 1
