"""What contrib/sdk-versions found, as a Markdown table."""

import sys
import xml.etree.ElementTree as tree
from pathlib import Path

NAMES = {"python": "Python", "node": "JavaScript"}


def results(path):
    """{program: passed, failed or skipped} of one version."""
    found = {}
    for case in tree.parse(path).getroot().iter("testcase"):
        name = case.get("name").split("[")[0].removeprefix("test_")
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"}:
            found[name] = "failed"
        elif found.get(name) != "failed":
            found[name] = "skipped" if "skipped" in kinds else "passed"
    return found


def number(path):
    return [int(n) for n in path.stem.split("-")[1].split(".") if n.isdigit()]


def main(folder):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    print("\n| SDK | Version | Programs that pass | That do not |")
    print("| --- | --- | --- | --- |")
    logs = sorted(Path(folder).glob("*.log"), key=lambda p: (p.stem[0] != "p", number(p)))
    for log in logs:
        language, version = log.stem.split("-", 1)
        path = log.with_suffix(".xml")
        found = results(path) if path.exists() else {"all": "failed"}
        good = [n for n, kind in found.items() if kind == "passed"]
        bad = sorted(n for n, kind in found.items() if kind == "failed")
        for kind in found.values():
            counts[kind] += 1
        total = len([1 for kind in found.values() if kind != "skipped"])
        print(
            f"| {NAMES[language]} | {version} | {len(good)} of {total} "
            f"| {', '.join(bad) or '-'} |"
        )
    print(
        "\n{passed} passed, {failed} failed, {skipped} skipped".format(**counts)
    )
    return 1 if counts["failed"] or not logs else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
