-- Deletions that a crash cut off are looked for (execution_untold).
create index execution_deleting on execution (end_ms) where status = 5;
create index execution_archive_deleting on execution_archive (end_ms)
    where status = 5;
