-- When an archive was put or a version came to use it: one that nobody uses
-- goes some time after that.  A row with chunks -1 is being put.
alter table code add column used_ms bigint not null default 0;
