"""Who may write, with which token, and what a repetition gets."""

import pytest

from kit import (
    Raw,
    callback,
    execution_path,
    invalid,
    refused,
    stale,
    step,
    wait,
)


def plain(answer):
    del answer["ResponseMetadata"]
    return answer


def other_than(character):
    return "a" if character != "a" else "b"


def test_a_token_is_good_once(puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    first = turn.token
    one = plain(turn.checkpoint(step("a"), callback("c"), ClientToken="t1"))
    before = run.history()

    # The same request again: the same answer, and nothing happens.
    again = plain(turn.checkpoint(
        step("a"), callback("c"), token=first, ClientToken="t1"
    ))
    assert again == one
    # Another request with it is too late, polls too.
    for more in (
        {"ClientToken": "t2"},
        {"ClientToken": "T1"},
        {},		# botocore makes one up
    ):
        with stale():
            turn.checkpoint(token=first, **more)
        with stale():
            turn.checkpoint(step("b"), token=first, **more)
    with stale():
        turn.state(token=first)
    assert run.history() == before

    # The client token counts for its checkpoint only.
    second = one["CheckpointToken"]
    two = plain(turn.checkpoint(
        step("a", "SUCCEED"), token=second, ClientToken="t1"
    ))
    assert two["CheckpointToken"] not in (first, second)
    with stale():
        turn.checkpoint(
            step("a"), callback("c"), token=first, ClientToken="t1"
        )
    # A poll consumes it as well, and is repeated as well.
    three = plain(turn.checkpoint(ClientToken="t3"))
    assert three["NewExecutionState"]["Operations"] == []
    assert plain(
        turn.checkpoint(token=two["CheckpointToken"], ClientToken="t3")
    ) == three
    # Reading does not.
    for _ in range(3):
        assert len(turn.state()["Operations"]) == 3
    # A refused batch does not either.
    with invalid():
        turn.checkpoint(step("a", "SUCCEED"), token=turn.token)
    turn.checkpoint(step("b"))
    turn.succeed()
    run.reach("SUCCEEDED")


def test_forged_and_foreign_tokens(lam, puppet):
    one, two = puppet.start(b"1"), puppet.start(b"2")
    turn, other = one.turn(), two.turn()
    turn.checkpoint(callback("c"))
    good = turn.token
    history = lam.get_durable_execution_history(
        DurableExecutionArn=one.arn, MaxItems=1
    )
    forged = [good[:i] + other_than(good[i]) + good[i + 1 :]
              for i in range(len(good))]
    forged += [good[:-1], good + "a", good + "==", good.upper(), good * 2,
               other.token, one.callback("c"), history["NextMarker"]]
    for token in forged:
        with stale():
            turn.checkpoint(step("x"), token=token)
        turn.token = good
    for token in forged[-8:]:
        with stale():
            turn.state(token=token)
    # The token is for its own execution only, and one that is not there
    # is no 404 here: the SDKs would give up on it.
    nobody = one.arn.rsplit("/", 1)[0] + "/00000000-0000-4000-8000-00000000000"
    for arn in (two.arn, nobody + "0", one.arn.replace(
        puppet.name, puppet.name + "x"
    )):
        with stale():
            lam.checkpoint_durable_execution(
                DurableExecutionArn=arn, CheckpointToken=good
            )
        with stale():
            lam.get_durable_execution_state(
                DurableExecutionArn=arn, CheckpointToken=good
            )
    # What is no token by its form is refused as such.
    for token in ("a b", "a-b", "A" * 2049, "===", "a===", "\u00e4"):
        with refused("ValidationException", 400):
            turn.checkpoint(token=token)
    assert one.kinds() == ["ExecutionStarted", "CallbackStarted"]
    turn.token = good
    turn.checkpoint(step("x"))
    for ended in (turn, other):
        ended.succeed()


def test_after_the_invocation_was_superseded(puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    turn.checkpoint(wait("w", 1), step("a"), ClientToken="t")
    old = turn.token
    turn.pending()
    newer = run.turn()
    assert newer.token != old
    for token in (old, turn.envelope["CheckpointToken"]):
        with stale():
            newer.checkpoint(step("a", "SUCCEED"), token=token)
        with stale():
            # The repetition of what the old one did is the old one's.
            newer.checkpoint(
                wait("w", 1), step("a"), token=token, ClientToken="t"
            )
        with stale():
            newer.state(token=token)
    newer.token = newer.envelope["CheckpointToken"]
    newer.checkpoint(step("a", "SUCCEED"))
    newer.succeed()
    run.reach("SUCCEEDED")
    with stale():
        newer.checkpoint(step("b"), token=newer.envelope["CheckpointToken"])


def test_after_the_end(puppet):
    """Also after an end that the checkpoint itself brings."""
    stopped, ended = puppet.start(b"1"), puppet.start(b"2")
    turn = stopped.turn()
    turn.checkpoint(step("a"))
    stopped.stop()
    for more in ({}, {"ClientToken": "t"}):
        with stale():
            turn.checkpoint(step("a", "SUCCEED"), token=turn.token, **more)
    with stale():
        turn.state(token=turn.token)
    turn.pending()

    turn = ended.turn()
    token = turn.token
    last = plain(turn.checkpoint(
        step("a"), step("a", "SUCCEED"),
        {"Id": "result-1", "Type": "EXECUTION", "Action": "SUCCEED",
         "Payload": '"big"'},
        ClientToken="t",
    ))
    assert "CheckpointToken" not in last
    got = ended.get()
    assert (got["Status"], got["Result"]) == ("SUCCEEDED", '"big"')
    # Its answer may have been lost on the way.
    again = plain(turn.checkpoint(
        step("a"), step("a", "SUCCEED"),
        {"Id": "result-1", "Type": "EXECUTION", "Action": "SUCCEED",
         "Payload": '"big"'},
        token=token, ClientToken="t",
    ))
    assert again == last
    with stale():
        turn.checkpoint(step("b"), token=token, ClientToken="u")
    turn.succeed("")
    ended.until("InvocationCompleted")
    assert ended.get()["Result"] == '"big"'
    assert ended.kinds()[-2:] == ["ExecutionSucceeded", "InvocationCompleted"]


SPELLINGS = (
    ("Boto3/1.44 md/Botocore#1 aws-durable-execution-sdk-python/3.0.0",
     b"Invalid checkpoint token"),
    ("aws-sdk-js/3.1 aws-durable-execution-sdk-js/2.4.0",
     b"Invalid Checkpoint Token"),
    ("aws-sdk-js/3.1 aws-durable-execution-sdk-js/2.4.0-bundled",
     b"Invalid Checkpoint Token"),
    ("aws-sdk-java/2.51 aws-durable-execution-sdk-java/1.2",
     b"Invalid Checkpoint Token"),
    ("Boto3/1.44.5", b"Invalid checkpoint token"),
)


@pytest.mark.parametrize("why", ["consumed", "stopped", "unknown", "state"])
def test_each_sdk_knows_its_spelling(server, puppet, why):
    run = puppet.start(b"{}")
    turn = run.turn()
    token = turn.token
    turn.checkpoint(step("a"))
    if why == "stopped":
        token = turn.token
        run.stop()
    path = execution_path(run.arn, "/checkpoint")
    if why == "unknown":
        path = execution_path(run.arn[:-1] + other_than(run.arn[-1]),
                              "/checkpoint")
    with Raw(server) as raw:
        for agent, text in SPELLINGS:
            if why == "state":
                answer = raw.send(
                    "GET",
                    execution_path(run.arn, f"/state?CheckpointToken={token}"),
                    User_Agent=agent,
                )
            else:
                answer = raw.send(
                    "POST", path, {"CheckpointToken": token},
                    User_Agent=agent,
                )
            status, kind, body = answer
            assert (status, kind) == (400, "InvalidParameterValueException")
            assert text in body, (agent, body)
    turn.pending()


def test_a_client_token_at_its_bounds(puppet):
    turn = puppet.start(b"{}").turn()
    turn.checkpoint(ClientToken="!" + "~" * 63)
    with refused("ValidationException", 400):
        turn.checkpoint(token=turn.token, ClientToken="x" * 65)
    with refused("ValidationException", 400):
        turn.checkpoint(token=turn.token, ClientToken="a b")
    # None at all, as curl sends it: a poll that cannot be repeated.
    with Raw(puppet.server) as raw:
        path = execution_path(turn.arn, "/checkpoint")
        body = {"CheckpointToken": turn.token, "Updates": None}
        status, _, _ = raw.send("POST", path, body)
        assert status == 200
        status, kind, _ = raw.send("POST", path, body)
        assert (status, kind) == (400, "InvalidParameterValueException")
    turn.succeed()
