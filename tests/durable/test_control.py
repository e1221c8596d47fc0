"""Stop, pause, resume, delete and the timeout, in every state."""

import concurrent.futures
import json
from email.utils import parsedate_to_datetime

import perdure
from kit import (
    Raw,
    Run,
    callback,
    conflict,
    context,
    execution_path,
    invalid,
    refused,
    retry,
    stale,
    step,
    wait,
)


def answer_time(answer):
    date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
    return parsedate_to_datetime(date).timestamp()


def open_operations(turn):
    """One of each kind that can be left open."""
    turn.checkpoint(
        context("context"),
        step("running", ParentId="context"),
        retry("pending", 3600, Error={"ErrorType": "E"}),
        wait("wait"),
        callback("callback", 3600, 1800),
    )


LEFT_OPEN = {
    "context": "STARTED",
    "running": "STARTED",
    "pending": "PENDING",
    "wait": "STARTED",
    "callback": "STARTED",
}


def check_closed(run, lam, callback_id):
    """What nobody may do any more."""
    before = run.history()
    with invalid("Durable Execution is not running"):
        run.stop()
    with conflict():
        run.pause()
    with conflict():
        run.resume()
    for call in (
        lam.send_durable_execution_callback_success,
        lam.send_durable_execution_callback_failure,
        lam.send_durable_execution_callback_heartbeat,
    ):
        with refused("CallbackTimeoutException", 400):
            call(CallbackId=callback_id)
    assert run.history() == before


def test_stop_while_it_waits(lam, puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    open_operations(turn)
    turn.pending()
    run.until("InvocationCompleted")
    stopped = run.stop(ErrorType="Op", ErrorMessage="by hand", ErrorData="d")
    got = run.get()
    assert got["Status"] == "STOPPED"
    assert got["EndTimestamp"] == stopped["StopTimestamp"]
    error = {"ErrorType": "Op", "ErrorMessage": "by hand", "ErrorData": "d"}
    assert got["Error"] == error
    assert "Result" not in got
    assert "ExpectedExecutionTimeoutTimestamp" not in got
    last = run.history()[-1]
    assert last["EventType"] == "ExecutionStopped"
    assert last["ExecutionStoppedDetails"] == {
        "Error": {"Payload": error, "Truncated": False}
    }
    check_closed(run, lam, run.callback("callback"))
    # What was open stays as it was: no event closes it.
    assert run.kinds().count("CallbackTimedOut") == 0
    assert run.kinds().count("WaitSucceeded") == 0


def test_stop_in_the_middle_of_a_step(lam, puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    open_operations(turn)
    token = turn.token
    run.stop()
    assert run.status() == "STOPPED"
    assert run.history()[-1]["ExecutionStoppedDetails"] == {
        "Error": {"Payload": {}, "Truncated": False}
    }
    # The invocation is not interrupted, but writes and reads no more.
    with stale():
        turn.checkpoint(step("running", "SUCCEED"), token=token)
    with stale():
        turn.state(token=token)
    # What it returns is ignored; only that it ended is recorded.
    turn.succeed('"late"')
    run.until("InvocationCompleted")
    got = run.get()
    assert got["Status"] == "STOPPED"
    assert got["Error"] == {}
    assert "Result" not in got
    assert run.kinds()[-2:] == ["ExecutionStopped", "InvocationCompleted"]
    check_closed(run, lam, run.callback("callback"))


def test_a_synchronous_caller_learns_of_the_stop(puppets):
    puppet = puppets(durable={"ExecutionTimeout": 600})
    with concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(
            puppet.lam.invoke, FunctionName=puppet.name, Qualifier="$LATEST",
            DurableExecutionName="sync", Payload=b"{}",
        )
        found = perdure.wait_for(
            lambda: puppet.listed(DurableExecutionName="sync"), 30, "start"
        )
        run = Run(puppet, found[0]["DurableExecutionArn"])
        turn = run.turn()
        turn.checkpoint(wait("w"))
        turn.pending()
        run.until("InvocationCompleted")
        run.stop(ErrorType="Op", ErrorMessage="by hand")
        got = answer.result(30)
    assert got["StatusCode"] == 200
    assert got["FunctionError"] == "Unhandled"
    assert got["DurableExecutionArn"] == run.arn
    assert got["ExecutedVersion"] == "$LATEST"
    body = json.loads(got["Payload"].read())
    assert body["errorType"] == "Op"
    assert body["errorMessage"] == "by hand"


def test_execution_timeout_with_open_operations(lam, puppets):
    puppet = puppets(durable={"ExecutionTimeout": 4})
    running, waiting = puppet.start(b"{}"), puppet.start(b"{}")
    turns = {run: run.turn() for run in (running, waiting)}
    for turn in turns.values():
        open_operations(turn)
    turns[waiting].pending()
    for run in (running, waiting):
        got = run.reach("TIMED_OUT")
        assert got["DurableConfig"]["ExecutionTimeout"] == 4
        took = got["EndTimestamp"] - got["StartTimestamp"]
        assert took.total_seconds() >= 4
        assert got["Error"]["ErrorMessage"] == (
            "Execution timed out after 4 seconds."
        )
    # The one that ran on is as after a stop.
    with stale():
        turns[running].checkpoint()
    turns[running].succeed('"late"')
    running.until("InvocationCompleted")
    assert running.kinds()[-2:] == ["ExecutionTimedOut", "InvocationCompleted"]
    assert waiting.kinds()[-2:] == ["InvocationCompleted", "ExecutionTimedOut"]
    for run in (running, waiting):
        assert run.status() == "TIMED_OUT"
        check_closed(run, lam, run.callback("callback"))
        kinds = run.kinds()
        for kind in ("CallbackTimedOut", "WaitSucceeded", "StepSucceeded"):
            assert kind not in kinds


def test_pause_while_it_waits(puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    turn.checkpoint(
        wait("short", 1), callback("callback"), retry("retry", 1)
    )
    turn.pending()
    run.until("InvocationCompleted")
    config = run.get()
    assert config["ExpectedExecutionTimeoutTimestamp"] > config[
        "StartTimestamp"
    ]
    answer = run.pause(Reason="look at it", ClientToken="one")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    got = run.reach("PAUSED")
    assert got["PauseDetails"]["Reason"] == "look at it"
    assert got["PauseDetails"]["ExecutionTimeoutPaused"] is True
    assert abs(got["PauseDetails"]["PauseRequestTimestamp"].timestamp()
               - answer_time(answer)) < 60
    # While the timeout stands still it is 366 days after the start.
    expected = got["ExpectedExecutionTimeoutTimestamp"]
    assert (expected - got["StartTimestamp"]).days == 366
    bare = run.get(IncludeExecutionData=False)
    assert "Reason" not in bare["PauseDetails"]
    assert bare["ExecutionDataIncluded"] is False

    # The same again is no error and no second pause; another one is.
    run.pause(Reason="look at it", ClientToken="one")
    with conflict():
        run.pause(Reason="another", ClientToken="one")
    with conflict():
        run.pause(Reason="look at it", ClientToken="two")
    with conflict():
        run.pause()
    with conflict():
        run.delete()

    # Timers and callbacks go on, but nothing is invoked.
    run.lam.send_durable_execution_callback_success(
        CallbackId=run.callback("callback"), Result=b"1"
    )
    run.until("WaitSucceeded")
    kinds = run.kinds()
    assert kinds.count("ExecutionPaused") == 1
    assert kinds.count("InvocationCompleted") == 1
    assert run.puppet.letter(run.arn) is None

    answer = run.resume(Reason="go on", ClientToken="three")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    turn = run.turn()
    assert turn.operation("short")["Status"] == "SUCCEEDED"
    assert turn.operation("callback")["Status"] == "SUCCEEDED"
    run.resume(Reason="go on", ClientToken="three")
    # A late repetition of the pause does not pause it again.
    run.pause(Reason="look at it", ClientToken="one")
    with conflict():
        run.resume(Reason="other", ClientToken="three")
    with conflict():
        run.resume()
    with conflict():
        run.resume(ClientToken="four")
    got = run.get()
    assert got["Status"] == "RUNNING"
    assert "PauseDetails" not in got
    moved = got["ExpectedExecutionTimeoutTimestamp"]
    assert moved > config["ExpectedExecutionTimeoutTimestamp"]
    turn.succeed("1")
    run.reach("SUCCEEDED")
    # Nor is it an error that the execution has ended meanwhile.
    run.pause(Reason="look at it", ClientToken="one")
    run.resume(Reason="go on", ClientToken="three")
    with conflict():
        run.pause(Reason="look at it", ClientToken="five")

    paused, resumed = (
        next(e for e in run.history() if e["EventType"] == kind)
        for kind in ("ExecutionPaused", "ExecutionResumed")
    )
    details = paused["ExecutionPausedDetails"]
    assert details["Reason"] == {"Payload": "look at it", "Truncated": False}
    assert details["ExecutionTimeoutPaused"] is True
    details = resumed["ExecutionResumedDetails"]
    assert details["Reason"] == {"Payload": "go on", "Truncated": False}
    hidden = run.lam.get_durable_execution_history(
        DurableExecutionArn=run.arn, IncludeExecutionData=False
    )["Events"]
    for event, name in ((paused, "Paused"), (resumed, "Resumed")):
        same = hidden[event["EventId"] - 1]
        assert same[f"Execution{name}Details"]["Reason"] == {
            "Truncated": True
        }


def test_pause_in_the_middle_of_an_invocation(puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    turn.checkpoint(step("a"))
    run.pause(ExecutionTimeoutPaused=False)
    assert run.status() == "PAUSING"
    pausing = run.get()
    assert pausing["PauseDetails"]["ExecutionTimeoutPaused"] is False
    assert "Reason" not in pausing["PauseDetails"]
    with conflict():
        run.pause()
    # It may still read; its next checkpoint is the last and has no token.
    assert len(turn.state()["Operations"]) == 2
    token = turn.token
    last = turn.checkpoint(step("a", "SUCCEED", Payload="1"))
    assert "CheckpointToken" not in last
    assert [o["Id"] for o in last["NewExecutionState"]["Operations"]] == ["a"]
    got = run.get()
    assert got["Status"] == "PAUSED"
    # The timeout was not paused.
    assert (
        got["ExpectedExecutionTimeoutTimestamp"]
        == pausing["ExpectedExecutionTimeoutTimestamp"]
    )
    with stale():
        turn.checkpoint(step("b"), token=token)
    # It may end with PENDING although nothing is pending.
    turn.pending()
    run.until("InvocationCompleted")
    assert run.status() == "PAUSED"
    assert "Error" not in run.history()[-1]["InvocationCompletedDetails"]
    run.resume()
    again = run.turn()
    assert again.operation("a")["Status"] == "SUCCEEDED"
    assert again.request_id != turn.request_id
    again.succeed()
    run.reach("SUCCEEDED")


def test_resume_while_it_is_pausing(puppet):
    run = puppet.start(b"{}")
    turn = run.turn()
    run.pause()
    run.resume()
    assert run.status() == "RUNNING"
    got = turn.checkpoint(step("a"), step("a", "SUCCEED"))
    assert got["CheckpointToken"]
    turn.succeed()
    run.reach("SUCCEEDED")
    # Neither happened.
    assert not {"ExecutionPaused", "ExecutionResumed"} & set(run.kinds())


def test_pausing_and_the_invocation_ends(puppet):
    """The end of the invocation is as good as a checkpoint, or closes."""
    waiting, ending = puppet.start(b"{}"), puppet.start(b"{}")
    turns = {run: run.turn() for run in (waiting, ending)}
    turns[waiting].checkpoint(wait("w"))
    for run in turns:
        run.pause()
    turns[waiting].pending()
    turns[ending].succeed('"done"')
    assert ending.reach("SUCCEEDED")["Result"] == '"done"'
    waiting.reach("PAUSED")
    assert waiting.kinds()[-2:] == ["InvocationCompleted", "ExecutionPaused"]
    # Nothing happened meanwhile, so nothing is invoked.
    waiting.resume()
    assert waiting.status() == "RUNNING"
    assert waiting.kinds()[-1] == "ExecutionResumed"
    assert puppet.letter(waiting.arn) is None
    waiting.pause()
    waiting.stop(ErrorType="E")
    assert waiting.reach("STOPPED")["Error"] == {"ErrorType": "E"}
    assert "PauseDetails" not in waiting.get()
    with conflict():
        waiting.resume()


def test_a_pause_of_the_timeout_or_not(puppets):
    """An execution that is paused times out only if its timeout runs on."""
    puppet = puppets(durable={"ExecutionTimeout": 4})

    def waiting():
        run = puppet.start(b"{}")
        turn = run.turn()
        turn.checkpoint(wait("w"))
        turn.pending()
        run.until("InvocationCompleted")
        return run

    stands = waiting()
    stands.pause()
    runs_on = waiting()
    runs_on.pause(ExecutionTimeoutPaused=False)
    runs_on.reach("TIMED_OUT")
    assert runs_on.kinds()[-2:] == ["ExecutionPaused", "ExecutionTimedOut"]
    assert stands.status() == "PAUSED"
    stands.resume()
    got = stands.reach("TIMED_OUT")
    assert got["EndTimestamp"] > runs_on.get()["EndTimestamp"]


def test_delete_from_every_state(server, puppets):
    puppet = puppets(durable={"ExecutionTimeout": 5})
    long = puppets()
    ended = {}
    for status in ("SUCCEEDED", "FAILED", "STOPPED", "TIMED_OUT"):
        run = (puppet if status == "TIMED_OUT" else long).start(
            b'{"n":1}', DurableExecutionName=status
        )
        with conflict():
            run.delete()
        turn = run.turn()
        turn.checkpoint(step("s"), callback("c"))
        ended[status] = run, turn, run.callback("c")
    ended["SUCCEEDED"][1].succeed("1")
    ended["FAILED"][1].fail(ErrorType="E", ErrorMessage="m")
    ended["STOPPED"][1].pending()
    ended["TIMED_OUT"][1].pending()
    ended["STOPPED"][0].until("InvocationCompleted")
    ended["STOPPED"][0].stop()
    for status, (run, _, callback_id) in ended.items():
        run.reach(status)
        answer = run.delete()
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
        assert abs(
            answer["DeletionRequestTimestamp"].timestamp()
            - answer_time(answer)
        ) < 60

        def gone():
            try:
                got = run.get()
            except run.lam.exceptions.ResourceNotFoundException as error:
                return str(error)
            assert got["Status"] == "DELETING", got
            return None

        said = perdure.wait_for(gone, 30, "deleted", every=0.01)
        assert "Durable Execution does not exist" in said
        for call in (run.history, run.stop, run.pause, run.resume,
                     run.delete):
            with refused("ResourceNotFoundException", 404):
                call()
        with refused(status=404):
            run.lam.send_durable_execution_callback_success(
                CallbackId=callback_id
            )
        assert run.puppet.listed(DurableExecutionName=status) == []
        # The name is free again.
        again = run.puppet.start(b'{"n":2}', DurableExecutionName=status)
        assert again.arn != run.arn
        again.turn().succeed()
        again.reach("SUCCEEDED")
    server.db_check()


def test_bodies_that_no_client_sends(server, puppet):
    """Nothing, {} and members of null are one; what is no error is refused."""
    wrong = (400, "SerializationException")
    with Raw(server) as raw:

        def send(path, body):
            status, kind, _ = raw.send("POST", path, body)
            return status if status < 300 else (status, kind)

        run = puppet.start(b"{}")
        turn = run.turn()
        turn.checkpoint(*(callback(name) for name in "abc"))
        paths = {
            name: "/durable-execution-callbacks/"
            f"{run.callback(name)}/fail" for name in "abc"
        }
        for body in (b"[]", b'"text"', b"1", b"{", b"\xff", b"{}x"):
            for path in (paths["a"], *(
                execution_path(run.arn, f"/{call}")
                for call in ("stop", "pause", "resume")
            )):
                assert send(path, body) == wrong, (path, body)
        for body in (b'{"ErrorMessage":1}', b'{"StackTrace":"a"}'):
            for path in (paths["a"], execution_path(run.arn, "/stop")):
                assert send(path, body) == wrong, (path, body)
        for name, body in (
            ("a", b""), ("b", b"{}"), ("c", b'{"ErrorType":null,"Other":1}')
        ):
            assert send(paths[name], body) == 200
        failed = [e["CallbackFailedDetails"]["Error"] for e in run.history()
                  if e["EventType"] == "CallbackFailed"]
        assert failed == [{"Payload": {}, "Truncated": False}] * 3
        turn.pending()
        run.turn().succeed()
        run.reach("SUCCEEDED")

        for body in (b"", b"{}", b'{"ErrorData":null,"Reason":null}'):
            run = puppet.start(b"{}")
            turn = run.turn()
            for call, status in (("pause", 202), ("resume", 202),
                                 ("stop", 200)):
                path = execution_path(run.arn, f"/{call}")
                assert send(path, body) == status
            assert run.get()["Error"] == {}
            turn.pending()
