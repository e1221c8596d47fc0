-- All but the EXECUTION, which comes with execution_head.
-- name: operation_list
select
    ord, id, type, status, parent, name, subtype, start_ms, end_ms, payload,
    error, attempt, due_ms, duration_s, timeout_s, heartbeat_s, heartbeat_ms,
    callback_id, replay_children, target, tenant, child, child_durable,
    child_version, child_arn
from operation
where execution = $1::uuid and ord > 0
order by ord
