-- name: function_list
select name, tags, last_version, deleting, settings::text from function
order by name

-- $LATEST first, then as numbers.
-- name: function_version_list
select function, version, config from function_version
order by function, length(version) * (version <> '$LATEST')::int, version

-- name: function_alias_list
select function, name, version, description, revision, extra_version,
    extra_weight
from function_alias
order by function, name

-- name: function_registry_rev
select registry_rev from setting

-- One change of function $1 (store/pgstore.h, struct function_write); what is
-- null stays.  $2: the revision before, null when it must not exist yet; $3:
-- the revision after; $17: settings by key, null takes one away; $18: only if
-- no execution of it, or of version $9, goes on; $19: its new archive, which
-- must be there.  No row: the guard does not hold.
-- name: function_write
with stored as (
    update code set used_ms = (select clock_now())
    where hash = $19::text and chunks >= 0
    returning hash
),
changed as (
    update function set
        revision = $3::text,
        tags = coalesce($4::text, tags),
        last_version = greatest(last_version, $5::int),
        deleting = $6::boolean,
        settings = jsonb_strip_nulls(settings ||
            coalesce($17::text::jsonb, '{}'))
    where name = $1::text and revision = $2::text
        and (not $18::boolean or not exists (
            select 1 from execution x
            where x.function = $1 and ($9::text is null or x.version = $9)
                and x.status in (0, 6, 7)))
        and ($19::text is null or exists (select 1 from stored))
    returning name
),
made as (
    insert into function (name, revision, tags, last_version, deleting)
    select $1::text, $3::text, coalesce($4::text, '{}'), $5::int, $6::boolean
    where $2::text is null
        and ($19::text is null or exists (select 1 from stored))
    on conflict (name) do nothing
    returning name
),
done as (
    select name from changed union all select name from made
),
versions as (
    insert into function_version (function, version, config)
    select done.name, u.version, u.config
    from done, unnest($7::text[], $8::text[]) as u (version, config)
    on conflict (function, version) do update set config = excluded.config
),
version_gone as (
    delete from function_version
    where function in (select name from done) and version = $9::text
),
alias as (
    insert into function_alias (function, name, version, description,
        revision, extra_version, extra_weight)
    select done.name, $10::text, $11::text, $12::text, $13::text, $14::text,
        $15::double precision
    from done
    where $10::text is not null
    on conflict (function, name) do update set
        version = excluded.version, description = excluded.description,
        revision = excluded.revision, extra_version = excluded.extra_version,
        extra_weight = excluded.extra_weight
),
alias_gone as (
    delete from function_alias
    where function in (select name from done) and name = $16::text
),
counted as (
    update setting set registry_rev = registry_rev + 1
    where exists (select 1 from done)
)
select name from done

-- All of function $1 goes, if its revision is $2 and, with $3, if no execution
-- of it goes on.
-- name: function_drop
with gone as (
    delete from function
    where name = $1::text and revision = $2::text
        and (not $3::boolean or not exists (
            select 1 from execution x
            where x.function = $1 and x.status in (0, 6, 7)))
    returning name
),
versions as (
    delete from function_version where function in (select name from gone)
),
aliases as (
    delete from function_alias where function in (select name from gone)
),
counted as (
    update setting set registry_rev = registry_rev + 1
    where exists (select 1 from gone)
)
select name from gone
