"""The first invocation of a function that nobody called before."""

import time

import kit
from invoke import PLAIN


def measure(options):
    found = {}
    with kit.daemon() as server:
        for language in kit.languages():
            times = []
            handler, code = PLAIN[language]
            for n in range(4 if options.quick else 21):
                function = f"cold-{language}-{n}"
                kit.deploy(server, function, handler, code=code,
                           language=language)
                times.append(kit.Caller(server, function)())
                # A blank comes back meanwhile; bursts are burst.py's.
                time.sleep(0.3)
            # The first of a kind has no blank.
            found[language] = kit.spread(times[1:])
    return found


def tables(result):
    rows = [("cold plain function", "least ms", "p50 ms", "p99 ms")]
    rows += [(name, row["min_ms"], row["p50_ms"], row["p99_ms"])
             for name, row in result.items()]
    yield kit.table(rows)


def verdicts(result):
    del result
    return []
