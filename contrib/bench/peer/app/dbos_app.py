"""The workflows of the benchmarks on DBOS: dbos_app.py URL"""

import sys

from dbos import DBOS

import orders


@DBOS.step()
def step(n):
    return n


@DBOS.workflow()
def steps(count):
    for n in range(count):
        step(n)
    return count


def main():
    DBOS(config={"name": "bench", "system_database_url": sys.argv[1],
                 "log_level": "WARNING", "sys_db_pool_size": 40,
                 "run_admin_server": False})
    DBOS.launch()
    orders.serve(steps)
    DBOS.destroy()


main()
