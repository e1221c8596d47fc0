-- All but the EXECUTION, which comes with execution_head.
-- name: operation_list
select
    @operation_columns
from operation
where execution = $1::uuid and ord > 0
order by ord
