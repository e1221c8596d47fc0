"""The JavaScript SDK's typed client over every operation's response.

It throws on forms of times that boto3 takes without a word.
"""

import os
import re
import subprocess

import pytest

import perdure

HERE = perdure.HANDLERS.parent / "typed"


def served():
    """The operations that the API serves."""
    text = (perdure.TOP / "supervisor" / "api" / "ops.c").read_text()
    return set(re.findall(r'^\t\{ "(\w+)", op_', text, re.M))


def test_every_response_is_what_the_typed_client_expects(server, tmp_path):
    if not perdure.node_runtimes():
        pytest.skip("no Node under the build folder")
    runtime, node = perdure.node_runtimes()[-1]
    modules = perdure.DEPS / "node" / "node_modules"
    files = perdure.folder_files(modules, "node_modules")
    files.update(perdure.folder_files(HERE))
    archive = tmp_path / "code.zip"
    archive.write_bytes(perdure.zip_bytes(files))
    # A module finds its packages from where it stands.
    (tmp_path / "node_modules").symlink_to(modules)
    for file in HERE.glob("*.mjs"):
        (tmp_path / file.name).write_bytes(file.read_bytes())

    done = subprocess.run(
        [node, str(tmp_path / "outside.mjs"), str(archive), runtime],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, **server.environment()},
    )
    assert done.returncode == 0, done.stdout[-500:] + done.stderr
    assert served() - set(done.stdout.split()) == set()
