-- A name is looked up where it is unique, whatever the planner thinks: both
-- indexes began with the function, and one that was empty when it was analyzed
-- made starts walk over all that the function has.  Of another collation, this
-- one serves lists alone.
drop index execution_list;
create index execution_list
    on execution (function collate "C", start_ms, id);
