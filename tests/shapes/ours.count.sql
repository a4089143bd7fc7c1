-- One hour by hand: merchant, approvals, cancels, approved and cancelled amount. The hour's ends are %s, in turns.
SELECT merchant_id::text, count(*) FILTER (WHERE kind = 'APPROVAL'), count(*) FILTER (WHERE kind = 'CANCEL'),
    coalesce(sum(amount) FILTER (WHERE kind = 'APPROVAL'), 0)::bigint,
    coalesce(sum(amount) FILTER (WHERE kind = 'CANCEL'), 0)::bigint
FROM transactions, (VALUES (%s::timestamptz, %s::timestamptz)) AS v (a, b)
WHERE occurred_at >= a AND occurred_at < b GROUP BY 1
