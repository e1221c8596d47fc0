-- Before its chunks: from here on nobody removes it for an hour.
-- name: code_begin
insert into code (hash, size, chunks, used_ms)
values ($1::text, 0, -1, (select clock_now()))
on conflict (hash) do update set used_ms = excluded.used_ms

-- name: code_chunk_put
insert into code_chunk (hash, chunk, bytes)
values ($1::text, $2::int, $3::bytea)
on conflict (hash, chunk) do nothing

-- No row: not all of its chunks are there.
-- name: code_put
insert into code (hash, size, chunks, used_ms)
select $1::text, $2::bigint, $3::int, (select clock_now())
where $3 = (select count(*) from code_chunk where hash = $1)
on conflict (hash) do update set
    size = excluded.size, chunks = excluded.chunks,
    used_ms = excluded.used_ms
returning hash

-- name: code_head
select size, chunks from code where hash = $1::text and chunks >= 0

-- name: code_chunk
select bytes from code_chunk where hash = $1::text and chunk = $2::int

-- Archives that no version has used since $1 ms, $2 at most.  A version that
-- takes one of them at this moment makes it used (function_write), and one
-- of the two waits for the other.  Gives how many went.
-- name: code_sweep
with used as (
    select distinct encode(decode(m[1], 'base64'), 'hex') as hash
    from function_version v,
    lateral regexp_matches(v.config,
        '"CodeSha256":"([A-Za-z0-9+/]{43}=)"', 'g') as m
),
gone as (
    delete from code
    where hash in (
        select c.hash from code c
        where c.used_ms < (select clock_now()) - $1::bigint
            and not exists (select 1 from used u where u.hash = c.hash)
        order by c.used_ms
        limit $2::bigint)
        and used_ms < (select clock_now()) - $1
    returning hash
),
chunks as (
    delete from code_chunk where hash in (select hash from gone)
)
select count(*) from gone
