-- name: code_chunk_put
insert into code_chunk (hash, chunk, bytes)
values ($1::text, $2::int, $3::bytea)
on conflict (hash, chunk) do nothing

-- name: code_put
insert into code (hash, size, chunks)
values ($1::text, $2::bigint, $3::int)
on conflict (hash) do nothing

-- name: code_head
select size, chunks from code where hash = $1::text

-- name: code_chunk
select bytes from code_chunk where hash = $1::text and chunk = $2::int
