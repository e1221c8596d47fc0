-- From $2 on.
-- name: history_list
select
    @h.event_columns,
    o.id, o.name, o.subtype, p.id
from history h
left join operation o on o.execution = h.execution and o.ord = h.ord
left join operation p on p.execution = h.execution and p.ord = o.parent
where h.execution = $1::uuid and h.id >= $2::int
order by h.id
limit $3::bigint

-- From $2 downward.
-- name: history_list_reverse
select
    @h.event_columns,
    o.id, o.name, o.subtype, p.id
from history h
left join operation o on o.execution = h.execution and o.ord = h.ord
left join operation p on p.execution = h.execution and p.ord = o.parent
where h.execution = $1::uuid and h.id <= $2::int
order by h.id desc
limit $3::bigint
