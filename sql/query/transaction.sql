-- READ COMMITTED or SERIALIZABLE, as the database has it (store/pgconn.c).
-- name: begin
begin

-- name: begin_snapshot
begin isolation level repeatable read read only

-- name: commit
commit

-- name: rollback
rollback
