"""The generated tables of the service model."""

import re
import subprocess
import sys

import botocore
import pytest

import perdure

MODEL = perdure.TOP / "supervisor" / "api" / "model.c"


def test_tables_are_what_the_generator_makes():
    made_from = re.search(r"botocore (\S+) ", MODEL.read_text()).group(1)
    if botocore.__version__ != made_from:
        pytest.skip(f"botocore is {botocore.__version__}, not {made_from}")
    done = subprocess.run(
        [sys.executable, str(perdure.TOP / "contrib/api-model"), "--check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
