-- One hour by hand: merchant, approvals, cancels, approved and cancelled amount. The hour's ends are %s, in turns.
SELECT store, sum(n)::bigint, sum(c)::bigint, sum(a)::bigint, sum(ca)::bigint FROM (
    SELECT store_id::text AS store, count(*) AS n, 0 AS c, sum(approved_amount) AS a, 0 AS ca
    FROM approvals, (VALUES (%s::timestamptz, %s::timestamptz)) AS v (a, b)
    WHERE approved_at >= a AND approved_at < b AND is_deleted IS NOT TRUE GROUP BY 1
    UNION ALL
    SELECT p.store_id::text, 0, count(*), 0, sum(c.cancel_amount)
    FROM cancels AS c JOIN approvals AS p USING (approval_id),
        (VALUES (%s::timestamptz, %s::timestamptz)) AS v (a, b)
    WHERE c.canceled_at >= a AND c.canceled_at < b AND c.cancel_status <> 'FAILED' GROUP BY 1
) AS both_sides GROUP BY 1
