-- name: log_write
insert into function_log (day, seq, node, at_ms, function, version, request_id,
    execution, stream, line)
select u.day, u.seq, $1::bigint, u.at_ms, u.function, u.version, u.request_id,
    u.execution, u.stream, u.line
from unnest($2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
    $7::uuid[], $8::uuid[], $9::text[], $10::bytea[]
) as u (day, seq, at_ms, function, version, request_id, execution, stream,
    line)
on conflict (day, seq, node) do nothing

-- name: log_read
select seq, at_ms, function, version, request_id, execution, stream, line
from function_log
where ($1::text is null or function = $1)
    and ($2::uuid is null or execution = $2)
    and ($3::bigint = 0 or at_ms >= $3)
    and ($4::bigint = 0 or at_ms <= $4)
    and seq > $5::bigint
order by seq
limit $6::bigint
