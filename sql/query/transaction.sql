-- Each statement sees what was committed before it: archive_name needs that.
-- name: begin
begin isolation level read committed

-- name: begin_snapshot
begin isolation level repeatable read read only

-- name: commit
commit

-- name: rollback
rollback
