-- Writes need none of these: what is sent before a Sync is one transaction, READ
-- COMMITTED or SERIALIZABLE as the database has it (store/pgconn.c).
-- name: begin_snapshot
begin isolation level repeatable read read only

-- name: commit
commit

-- name: rollback
rollback
