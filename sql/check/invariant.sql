-- The invariants of reliability.md that rows can show.  Each statement gives
-- one text for each thing that is wrong; store/check.c runs them all on one
-- snapshot.
--
-- Numbers are those of core/execution.h and core/event.h:
-- execution.status 0 running, 1 succeeded, 2 failed, 3 timed out, 4 stopped,
--   5 deleting, 6 pausing, 7 paused; 1 to 5 are closed
-- operation.type 0 EXECUTION, 1 CONTEXT, 2 STEP, 3 WAIT, 4 CALLBACK,
--   5 CHAINED_INVOKE
-- operation.status 1 started, 2 pending, 3 ready, 4 succeeded, 5 failed,
--   6 cancelled, 7 timed out, 8 stopped; from 4 on they are closed
-- history.type 0 to 6 execution, 7 to 9 context, 10 to 12 step, 13 to 15 wait,
--   16 to 19 callback, 20 to 24 chained invoke, 25 invocation completed
-- history.cause 0 checkpoint, 1 timer, 2 callback, 3 child, 4 API, 5 invocation

-- name: i1
select x.id || ': ' || x.event_count || ' events counted, ' || count(h.id)
    || ' there, from ' || coalesce(min(h.id), 0) || ' to '
    || coalesce(max(h.id), 0)
from execution_all x
left join history_all h on h.execution = x.id
group by x.id, x.event_count
having count(h.id) <> x.event_count or min(h.id) <> 1
    or max(h.id) <> count(h.id)
union all
select h.execution || ': event ' || h.id || ' of type ' || h.type
    || ' where the start belongs or a second start'
from history_all h
where (h.id = 1) <> (h.type = 0)
union all
select t.execution || ': time goes back at event ' || t.id
from (
    select execution, id, at_ms,
        lag(at_ms) over (partition by execution order by id) as before_ms
    from history_all
) t
where t.at_ms < t.before_ms
union all
select distinct h.execution || ': history of no execution'
from history_all h
where not exists (select 1 from execution_all x where x.id = h.execution)
union all
select distinct o.execution || ': operations of no execution'
from operation_all o
where not exists (select 1 from execution_all x where x.id = o.execution)

-- name: i2
select x.id || ': status ' || x.status || ' with ' || count(h.id)
    || ' terminal events, the last of type ' || coalesce(max(h.type), 0)
from execution_all x
left join history_all h on h.execution = x.id and h.type between 1 and 4
group by x.id, x.status
having case
    when x.status between 1 and 4
        then count(h.id) <> 1 or max(h.type) <> x.status
    when x.status = 5 then count(h.id) <> 1
    else count(h.id) <> 0 end
union all
select x.id || ': status ' || x.status || ' and end ' || x.end_ms
    || ' disagree'
from execution_all x
where (x.status between 1 and 5) <> (x.end_ms <> 0)
union all
select h.execution || ': event ' || n.id || ' of type ' || n.type
    || ' after the terminal one'
from history_all h
join history_all n on n.execution = h.execution and n.id > h.id
where h.type between 1 and 4 and n.type <> 25
union all
select x.id || ': end, result or error is not that of event ' || h.id
from execution_all x
join history_all h on h.execution = x.id and h.type between 1 and 4
where x.end_ms <> h.at_ms
    or x.result is distinct from
        case when h.type = 1 then h.payload end
    or x.error is distinct from
        case when h.type <> 1 then h.payload end
union all
select x.id || ': open with a result or an error'
from execution_all x
where x.status not between 1 and 5
    and (x.result is not null or x.error is not null)
union all
select x.id || ': its EXECUTION operation is missing or disagrees'
from execution_all x
left join operation_all o on o.execution = x.id and o.ord = 0
where o.type is distinct from 0
    or (o.status >= 4) <> (x.status between 1 and 5)

-- name: i3
with fit (type, status, event) as (
    values (1, 4, 8), (1, 5, 9), (2, 4, 11), (2, 5, 12), (3, 4, 14),
        (3, 6, 15), (4, 4, 17), (4, 5, 18), (4, 7, 19), (5, 4, 21),
        (5, 5, 22), (5, 7, 23), (5, 8, 24)
),
last as (
    select distinct on (execution, ord) execution, ord, id, type, payload,
        at_ms, delay_s
    from history_all
    where ord >= 0
    order by execution, ord, id desc
),
sums as (
    select execution, ord,
        count(*) filter (where type in (10)) as step_starts,
        count(*) filter (where type in (11, 12)) as attempts,
        count(*) filter (where type in (7, 13, 16, 20)) as starts,
        count(*) filter (where type in (8, 9, 14, 15, 17, 18, 19, 21, 22, 23,
            24) or (type in (11, 12) and delay_s = 0)) as ends
    from history_all
    where ord >= 0
    group by execution, ord
)
select o.execution || ': operation ' || o.ord || ' of type ' || o.type
    || ' in status ' || o.status || ' but its last event '
    || coalesce(l.id::text || ' is of type ' || l.type, 'is missing')
from operation_all o
left join last l on l.execution = o.execution and l.ord = o.ord
where o.ord > 0 and o.status >= 4 and not exists (
    select 1 from fit f
    where f.type = o.type and f.status = o.status and f.event = l.type)
union all
select o.execution || ': operation ' || o.ord || ' is closed, but its result,'
    || ' error or end is not that of event ' || l.id
from operation_all o
join last l on l.execution = o.execution and l.ord = o.ord
where o.ord > 0 and o.status >= 4
    and (l.payload is distinct from coalesce(o.error, o.payload)
        or l.at_ms <> o.end_ms or l.delay_s <> 0)
union all
select o.execution || ': operation ' || o.ord || ' of type ' || o.type
    || ' in status ' || o.status || ' with ' || s.starts + s.step_starts
    || ' starts, ' || s.attempts || ' attempts ended, ' || s.ends || ' ends'
from operation_all o
join sums s on s.execution = o.execution and s.ord = o.ord
where o.ord > 0 and (s.ends <> (o.status >= 4)::int
    or (o.type = 1 and s.starts > 1)
    or (o.type > 2 and s.starts <> 1)
    or (o.type = 2 and (s.attempts <> o.attempt
        or s.step_starts > s.attempts + (o.status = 1)::int)))
union all
select o.execution || ': operation ' || o.ord || ' without an event'
from operation_all o
where o.ord > 0 and not exists (
    select 1 from history_all h
    where h.execution = o.execution and h.ord = o.ord)
union all
select h.execution || ': event ' || h.id || ' of no operation'
from history_all h
where h.ord >= 0 and not exists (
    select 1 from operation_all o
    where o.execution = h.execution and o.ord = h.ord)
union all
select t.execution || ': event ' || t.id || ' ends attempt ' || t.attempt
    || ' after ' || t.n - 1
from (
    select execution, id, attempt,
        row_number() over (partition by execution, ord order by id) as n
    from history_all
    where type in (11, 12)
) t
where t.attempt <> t.n
union all
select o.execution || ': operation ' || o.ord || ' in a status or place that'
    || ' cannot be'
from operation_all o
left join operation_all p on p.execution = o.execution and p.ord = o.parent
where o.status = 0 or (o.ord > 0 and o.type = 0)
    or (o.type <> 2 and o.status in (2, 3))
    or (o.payload is not null and o.error is not null)
    or (o.status >= 4) <> (o.end_ms <> 0)
    or (o.parent <> -1 and (p.ord is null or p.ord >= o.ord or p.type <> 1))

-- name: i4
with may (type, cause) as (
    values (0, 0), (0, 4), (1, 0), (1, 5), (2, 0), (2, 1), (2, 2), (2, 3),
        (2, 5), (3, 1), (4, 4), (5, 0), (5, 4), (5, 5), (6, 4), (7, 0),
        (8, 0), (9, 0), (10, 0), (11, 0), (12, 0), (13, 0), (14, 1), (15, 0),
        (16, 0), (17, 2), (18, 2), (19, 1), (20, 0), (21, 3), (22, 0),
        (22, 3), (23, 3), (24, 3), (25, 5)
)
select h.execution || ': event ' || h.id || ' of type ' || h.type
    || ' with cause ' || h.cause || ' ' || h.cause_id
from history_all h
where not exists (
        select 1 from may m where m.type = h.type and m.cause = h.cause)
    or (h.cause <> 1 and h.cause_id = '')
    or (h.cause = 0 and h.cause_id !~ '^[0-9]{1,9}[.][0-9]{1,18}$')
union all
select h.execution || ': event ' || h.id || ' names child ' || h.cause_id
from history_all h
join operation_all o on o.execution = h.execution and o.ord = h.ord
where h.cause = 3 and h.cause_id is distinct from o.child::text

-- name: i5
with accepted as (
    select execution, id, type, split_part(cause_id, '.', 1)::bigint as epoch,
        split_part(cause_id, '.', 2)::bigint as seq
    from history_all
    where cause = 0 and cause_id ~ '^[0-9]{1,9}[.][0-9]{1,18}$' and type <> 0
)
select t.execution || ': event ' || t.id || ' by checkpoint ' || t.epoch
    || '.' || t.seq || ' after ' || t.epoch_before || '.' || t.seq_before
from (
    select execution, id, epoch, seq,
        lag(epoch) over w as epoch_before, lag(seq) over w as seq_before
    from accepted
    window w as (partition by execution order by id)
) t
where (t.epoch, t.seq) < (t.epoch_before, t.seq_before)
union all
select a.execution || ': event ' || a.id || ' by checkpoint ' || a.epoch
    || '.' || a.seq || ', but the execution is at ' || x.epoch || '.' || x.seq
from accepted a
join execution_all x on x.id = a.execution
where (a.epoch, a.seq) >= (x.epoch, x.seq)

-- An invocation ends before the next one is claimed, so a checkpoint behind
-- the ends of n invocations is one of invocation n + 1 at least.
-- name: i6
select t.execution || ': event ' || t.id || ' by checkpoint ' || t.cause_id
    || ' behind the ends of ' || t.ended || ' invocations'
from (
    select execution, id, type, cause, cause_id,
        count(*) filter (where type = 25) over w as ended
    from history_all
    window w as (partition by execution order by id)
) t
where t.cause = 0 and t.type <> 0
    and t.cause_id ~ '^[0-9]{1,9}[.][0-9]{1,18}$'
    and split_part(t.cause_id, '.', 1)::bigint <= t.ended
union all
select x.id || ': ' || count(*) || ' invocations ended, but it is at the '
    || x.epoch || '. one' || case when x.running then ', which runs' else ''
    end
from execution_all x
join history_all h on h.execution = x.id and h.type = 25
group by x.id, x.epoch, x.running
having count(*) > x.epoch - x.running::int

-- name: i7
select h.execution || ': event ' || n.id || ' of type ' || n.type
    || ' of a step that ended with event ' || h.id
from history_all h
join history_all n on n.execution = h.execution and n.ord = h.ord
    and n.id > h.id
where h.type in (11, 12) and h.delay_s = 0 and n.type in (10, 11, 12)

-- name: i8
with pending as (
    select o.execution, o.ord, o.type, case
        when o.type in (2, 3) then nullif(o.due_ms, 0)
        when o.type = 4
            then least(nullif(o.due_ms, 0), nullif(o.heartbeat_ms, 0))
        end as due_ms
    from operation o
    where (o.type in (3, 4, 5) and o.status = 1)
        or (o.type = 2 and o.status = 2)
),
wakes as (
    select x.id, x.status, x.running, x.wake_at, x.retry_ms,
        x.pause_wants_run, least(
        case when x.status in (6, 7) and x.pause_timeout
            then x.start_ms + 31622400000
            else nullif(x.deadline_ms, 0) end,
        case when not x.running and x.status = 0
            then nullif(x.retry_ms, 0) end,
        case when not x.running then min(p.due_ms) end) as expected,
        count(p.ord) as pending
    from execution x
    left join pending p on p.execution = x.id
    where x.status not between 1 and 5
    group by x.id
)
select w.id || ': wakes at ' || coalesce(w.wake_at::text, 'no time')
    || ' instead of ' || coalesce(w.expected::text, 'no time')
from wakes w
where w.wake_at is distinct from w.expected
union all
select w.id || ': nothing will ever wake it'
from wakes w
where not w.running and w.pending = 0
    and not (case when w.status = 0 then w.retry_ms <> 0
        else w.pause_wants_run end)
union all
select w.id || ': pausing without an invocation'
from wakes w
where w.status = 6 and not w.running
union all
select x.id || ': closed, but wakes at ' || x.wake_at
from execution x
where x.status between 1 and 5 and x.wake_at is not null
union all
select x.id || ': runs without an owner or a request'
from execution x
where x.running and (x.owner = 0 or x.epoch < 1
    or x.request_id = '00000000-0000-0000-0000-000000000000')
union all
select p.execution || ': operation ' || p.ord || ' has no timer'
from pending p
where p.type in (2, 3) and p.due_ms is null
union all
select o.execution || ': callback ' || o.ord || ' cannot be completed'
from operation o
where o.type = 4 and (o.callback_id is null
    or (o.timeout_s > 0) <> (o.due_ms <> 0)
    or (o.heartbeat_s > 0) <> (o.heartbeat_ms <> 0))
union all
select o.execution || ': operation ' || o.ord || ' waits for child '
    || coalesce(o.child::text, 'none') || ', which will not tell'
from operation o
join execution x on x.id = o.execution and x.status not between 1 and 5
where o.type = 5 and o.status = 1 and not (case
    when o.child_durable then exists (
        select 1 from execution c
        where c.id = o.child and c.parent = o.execution
            and c.parent_ord = o.ord and not c.parent_told)
    else exists (
        select 1 from async_event e
        where e.id = o.child and e.parent = o.execution
            and e.parent_ord = o.ord) end)

-- A timer may be late by a minute while somebody serves.
-- name: i9
select h.execution || ': event ' || h.id || ' of type ' || h.type
    || ' came before its time'
from history_all h
join operation_all o on o.execution = h.execution and o.ord = h.ord
where (h.type = 14 and h.at_ms < o.due_ms)
    or (h.type = 19 and h.at_ms <
        least(nullif(o.due_ms, 0), nullif(o.heartbeat_ms, 0)))
union all
select h.execution || ': event ' || h.id || ' timed it out before its time'
from history_all h
join execution_all x on x.id = h.execution
where h.type = 3 and h.at_ms < x.deadline_ms
union all
select t.execution || ': event ' || t.id || ' starts an attempt before its'
    || ' time'
from (
    select execution, id, type, at_ms,
        lag(at_ms + delay_s * 1000) over w as due_ms,
        lag(type) over w as before
    from history_all
    where type in (10, 11, 12)
    window w as (partition by execution, ord order by id)
) t
where t.type = 10 and t.before in (11, 12) and t.at_ms < t.due_ms - 100
union all
select x.id || ': should have woken at ' || x.wake_at
from execution x
where x.wake_at < clock_now() - 60000
    and exists (select 1 from node where seen_ms > clock_now() - 10000)

-- name: i10
select h.cause_id || ': one call completed ' || count(*) || ' callbacks'
from history_all h
where h.type in (17, 18) and h.cause = 2
group by h.cause_id
having count(*) > 1

-- name: i11
select x.function || ' ' || x.name || ': ' || count(*) || ' executions'
from execution_all x
group by x.function, x.name
having count(*) > 1
union all
select x.arn || ': ' || count(*) || ' executions'
from execution_all x
group by x.arn
having count(*) > 1

-- name: i12
with told as (
    select c.id, c.status, c.result, c.parent, c.parent_ord, c.parent_told,
        p.id as parent_id, p.status as parent_status, o.type as op_type,
        o.status as op_status, o.payload, o.child
    from execution_all c
    left join execution_all p on p.id = c.parent
    left join operation_all o on o.execution = c.parent and o.ord = c.parent_ord
    where c.parent is not null
)
select t.id || ': its parent ' || t.parent || ' has no operation for it'
from told t
where t.parent_id is not null
    and (t.op_type is distinct from 5 or t.child is distinct from t.id)
union all
select t.id || ': in status ' || t.status || ', but its parent recorded '
    || t.op_status
from told t
where t.op_status >= 4 and t.status <> 5
    and t.op_status <> case t.status when 1 then 4 when 2 then 5 when 3 then 7
        when 4 then 8 else 0 end
    and not (t.status = 1 and t.op_status = 5
        and length(t.result) > 1048576)
union all
select t.id || ': its parent recorded another result'
from told t
where t.op_status = 4 and t.status = 1
    and t.payload is distinct from t.result
union all
select t.id || ': marked as told, but its parent ' || t.parent || ' waits'
from told t
where t.parent_told and t.op_status = 1
    and t.parent_status not between 1 and 5
union all
select e.id || ': event of parent ' || e.parent || ', which does not wait'
    || ' for it'
from async_event e
join execution_all p on p.id = e.parent and p.status not between 1 and 5
left join operation_all o on o.execution = e.parent and o.ord = e.parent_ord
where o.child is distinct from e.id or o.status <> 1

-- Payloads that were replaced and invocations that failed count too, so the
-- sums are lower bounds.
-- name: i13
with sums as (
    select o.execution, count(*) as n, max(o.ord) as last,
        coalesce(sum(length(o.payload)), 0) as bytes,
        sum((o.ord > 0)::int + case when o.type = 2 and o.attempt > 0
            then o.attempt - (o.status >= 4)::int else 0 end) as metered
    from operation_all o
    group by o.execution
)
select x.id || ': ' || x.metered || ' operations counted, ' || s.metered
    || ' there'
from execution_all x
join sums s on s.execution = x.id
where x.metered < s.metered
union all
select x.id || ': ' || x.stored_bytes || ' bytes counted, ' || s.bytes
    || ' there'
from execution_all x
join sums s on s.execution = x.id
where x.stored_bytes < s.bytes
union all
select x.id || ': operations up to ' || s.last || ', but ' || s.n || ' of them'
from execution_all x
join sums s on s.execution = x.id
where s.n <> s.last + 1
union all
select x.id || ': open and over its limits'
from execution_all x
where x.status not between 1 and 5
    and (x.metered > 3000 or x.stored_bytes > 104857600)

-- Finished executions are in one place, whole, and go when they shall.  What
-- is to be moved or dropped may wait for ten minutes while somebody serves.
-- name: i14
select a.id || ': archived as ' || a.function || ' ' || a.name || ' until '
    || a.expires_ms || ', but its row says '
    || coalesce(x.function || ' ' || x.name || ' until '
        || x.end_ms + x.retention_days * 86400000::bigint, 'nothing')
from archived a
left join execution_archive x
    on x.id = a.id and x.expires_ms = a.expires_ms
where a.expires_ms > clock_now()
    and (x.function, x.name,
        x.end_ms + x.retention_days * 86400000::bigint)
        is distinct from (a.function, a.name, a.expires_ms)
union all
select x.id || ': archived until ' || x.expires_ms || ', but no name has it'
from execution_archive x
where x.expires_ms > clock_now() and not exists (
    select 1 from archived a
    where a.id = x.id and a.expires_ms = x.expires_ms)
union all
select o.execution || ': archived operations of no execution'
from operation_archive o
where not exists (
    select 1 from execution_archive x
    where x.id = o.execution and x.expires_ms = o.expires_ms)
union all
select h.execution || ': archived history of no execution'
from history_archive h
where not exists (
    select 1 from execution_archive x
    where x.id = h.execution and x.expires_ms = h.expires_ms)
union all
select x.id || ': archived, but in status ' || x.status
    || case when x.running then ', running' else '' end
    || case when x.parent is not null and not x.parent_told
        then ', and its parent does not know' else '' end
from execution_archive x
where x.status not between 1 and 5 or x.running
    or (x.parent is not null and not x.parent_told)
union all
select x.id || ': finished, but not archived'
from execution x
where x.status between 1 and 4 and not x.running
    and (x.parent is null or x.parent_told)
    and x.end_ms < clock_now() - 600000
    and exists (select 1 from node where seen_ms > clock_now() - 10000
        and started_ms < clock_now() - 600000)
union all
select c.relname || ': its day is over, but it is there'
from pg_inherits i
join pg_class c on c.oid = i.inhrelid
where i.inhparent = to_regclass('execution_archive')
    and c.relname ~ '^execution_archive_[0-9]+$'
    and (substring(c.relname from '_([0-9]+)$')::bigint + 1) * 86400000
        < clock_now() - 600000
    and exists (select 1 from node where seen_ms > clock_now() - 10000
        and started_ms < clock_now() - 600000)
