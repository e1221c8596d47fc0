-- Columns that many statements name, in the one order that the readers and
-- writers in store/rows.c know.

-- All of execution besides wake_at; also execution_archive's.
-- piece: execution_columns
id, shard, function, version, function_arn, arn, name, status, rev, write_id,
cluster_epoch, epoch, seq, running, owner, request_id, claimed_ms, failures,
retry_ms, start_ms, end_ms, deadline_ms, timeout_s, retention_days, sync,
kms_key_arn, trace, tenant, result, error, parent, parent_ord, parent_told,
pause_ms, pause_timeout, pause_reason, pause_wants_run, control_token,
control_ms, metered, stored_bytes, event_count, last_event_ms

-- The same for lists, without what may be large.
-- piece: execution_listed
id, shard, function, version, function_arn, arn, name, status, rev, write_id,
cluster_epoch, epoch, seq, running, owner, request_id, claimed_ms, failures,
retry_ms, start_ms, end_ms, deadline_ms, timeout_s, retention_days, sync,
kms_key_arn, trace, tenant, null::bytea, null::bytea, parent, parent_ord,
parent_told, pause_ms, pause_timeout, null::bytea, pause_wants_run,
control_token, control_ms, metered, stored_bytes, event_count, last_event_ms

-- All of operation behind execution.
-- piece: operation_columns
ord, id, type, status, parent, name, subtype, start_ms, end_ms, payload, error,
attempt, due_ms, duration_s, timeout_s, heartbeat_s, heartbeat_ms, callback_id,
replay_children, target, tenant, child, child_durable, child_version, child_arn

-- All of history behind execution.
-- piece: event_columns
id, at_ms, type, ord, cause, cause_id, payload, attempt, delay_s, duration_s,
due_ms, timeout_s, heartbeat_s, start_ms, flag, ref, tenant, version, child_arn
