-- One hour by hand: merchant, approvals, cancels, approved and cancelled amount. The hour's ends are %s, in turns.
SELECT shop, sum(n)::bigint, sum(c)::bigint, sum(a)::bigint, sum(ca)::bigint FROM (
    SELECT "shopId" AS shop, count(*) AS n, 0 AS c, sum(amount) AS a, 0 AS ca
    FROM "Pay"."Payments", (VALUES (%s::timestamptz, %s::timestamptz)) AS v (a, b)
    WHERE status IN ('PAID', 'CANCELED', 'PARTIAL_CANCELED') AND "deletedAt" IS NULL
      AND "paidAt" AT TIME ZONE 'Asia/Seoul' >= a AND "paidAt" AT TIME ZONE 'Asia/Seoul' < b GROUP BY 1
    UNION ALL
    SELECT "shopId", 0, count(*), 0, sum("cancelAmount")
    FROM "Pay"."Payments", (VALUES (%s::timestamptz, %s::timestamptz)) AS v (a, b)
    WHERE "deletedAt" IS NULL
      AND "canceledAt" AT TIME ZONE 'Asia/Seoul' >= a AND "canceledAt" AT TIME ZONE 'Asia/Seoul' < b GROUP BY 1
) AS both_sides GROUP BY 1
