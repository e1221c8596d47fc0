"""A durable function that does what the test says, call by call.

The handler of "puppet" hands its envelope to the test by invoking "mail", a
durable function that waits for a callback, and ends as the test then tells
it.  Meanwhile the test itself makes the checkpoints, with a real client.
"""

import contextlib
import http.client
import json
import urllib.parse

from botocore.exceptions import ClientError

import perdure

HANDLERS = {
    "app.py": '''
import json
import os
import urllib.parse
import urllib.request

API = os.environ["AWS_ENDPOINT_URL_LAMBDA"]


def call(path, body):
    request = urllib.request.Request(API + path, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=110) as answer:
        return answer.headers, answer.read()


def mail(event, context):
    """Ends with what its one callback is completed with."""
    operations = event["InitialExecutionState"]["Operations"]
    if len(operations) == 1:
        arn = urllib.parse.quote(event["DurableExecutionArn"], safe="")
        call(f"/2025-12-01/durable-executions/{arn}/checkpoint", {
            "CheckpointToken": event["CheckpointToken"],
            "Updates": [{"Id": "c", "Type": "CALLBACK", "Action": "START"}],
        })
        return {"Status": "PENDING"}
    details = operations[1]["CallbackDetails"]
    if "Result" not in details:
        return {"Status": "PENDING"}
    return {"Status": "SUCCEEDED", "Result": details["Result"]}


def quick(event, context):
    """Makes the checkpoint that its input says and returns what it says."""
    state = event["InitialExecutionState"]["Operations"]
    order = json.loads(state[0]["ExecutionDetails"]["InputPayload"])
    if order.get("updates") and len(state) == 1:
        arn = urllib.parse.quote(event["DurableExecutionArn"], safe="")
        call(f"/2025-12-01/durable-executions/{arn}/checkpoint", {
            "CheckpointToken": event["CheckpointToken"],
            "Updates": order["updates"],
        })
    return order.get("return", {"Status": "SUCCEEDED"})


def puppet(event, context):
    told = {"RequestId": context.aws_request_id}
    if len(json.dumps(event)) < 4_000_000:
        told.update(event)
    else:
        for name in ("DurableExecutionArn", "CheckpointToken"):
            told[name] = event[name]
    headers, body = call(
        "/2015-03-31/functions/" + os.environ["MAIL"]
        + "/invocations?Qualifier=$LATEST", told)
    if headers.get("X-Amz-Function-Error"):
        return {"Status": "PENDING"}
    order = json.loads(body)
    if "raise" in order:
        raise ValueError(order["raise"])
    if "exit" in order:
        os._exit(order["exit"])
    if "size" in order:
        return {"Status": "SUCCEEDED", "Result": "r" * order["size"]}
    return order["return"]
'''
}

OPEN = ["RUNNING", "PAUSING", "PAUSED"]


def stop_open(lam, function):
    for one in lam.list_durable_executions_by_function(
        FunctionName=function, Statuses=OPEN, MaxItems=1000
    )["DurableExecutions"]:
        with contextlib.suppress(lam.exceptions.ClientError):
            lam.stop_durable_execution(
                DurableExecutionArn=one["DurableExecutionArn"]
            )


class Puppet:
    """The pair of functions, and the executions of the one."""

    def __init__(self, server, name, durable=None, **more):
        self.server = server
        self.lam = server.client("lambda")
        self.seen = set()
        self.mail = perdure.deploy(
            server, f"{name}-mail", "app.mail", code=HANDLERS, durable=True,
            timeout=120,
        )
        self.function = perdure.deploy(
            server, name, more.pop("handler", "app.puppet"), code=HANDLERS,
            durable=durable or True, env={"MAIL": self.mail.name},
            timeout=more.pop("timeout", 120), **more,
        )
        self.name = name

    def start(self, payload=None, version="$LATEST", **more):
        if payload is not None:
            more["Payload"] = payload
        answer = self.lam.invoke(
            FunctionName=self.name, Qualifier=version,
            InvocationType="Event", **more,
        )
        assert answer["StatusCode"] == 202
        return Run(self, answer["DurableExecutionArn"])

    def listed(self, **filters):
        return self.lam.list_durable_executions_by_function(
            FunctionName=self.name, **filters
        )["DurableExecutions"]

    def letter(self, arn):
        """A turn of that execution that nobody took yet, or None."""
        for one in self.lam.list_durable_executions_by_function(
            FunctionName=self.mail.name, Statuses=["RUNNING"], MaxItems=1000
        )["DurableExecutions"]:
            letter = one["DurableExecutionArn"]
            if letter in self.seen:
                continue
            got = self.lam.get_durable_execution(DurableExecutionArn=letter)
            told = json.loads(got["InputPayload"])
            if told["DurableExecutionArn"] == arn:
                self.seen.add(letter)
                return Turn(self, letter, told)
        return None

    def stop_all(self):
        """Whatever a test left open ends, so that its workers can go."""
        for name in (self.name, self.mail.name):
            stop_open(self.lam, name)


class Run:
    """One execution of the puppet."""

    def __init__(self, puppet, arn):
        self.puppet, self.arn, self.lam = puppet, arn, puppet.lam

    def turn(self, seconds=60):
        """The invocation that runs now, or the next one."""
        return perdure.wait_for(
            lambda: self.puppet.letter(self.arn), seconds,
            f"invocation of {self.arn}", every=0.01,
        )

    def get(self, **more):
        got = self.lam.get_durable_execution(
            DurableExecutionArn=self.arn, **more
        )
        del got["ResponseMetadata"]
        return got

    def status(self):
        return self.get(IncludeExecutionData=False)["Status"]

    def reach(self, *statuses, seconds=60):
        """GetDurableExecution once it is in one of these states."""

        def there():
            got = self.get()
            return got if got["Status"] in statuses else None

        return perdure.wait_for(
            there, seconds, f"{self.arn} in {statuses}", every=0.01
        )

    def history(self):
        return perdure.history(self.puppet.server, self.arn)

    def kinds(self):
        """The types of the events, also of one with a lot of data."""
        kinds, more = [], {}
        while True:
            page = self.lam.get_durable_execution_history(
                DurableExecutionArn=self.arn, IncludeExecutionData=False,
                MaxItems=1000, **more,
            )
            kinds += [event["EventType"] for event in page["Events"]]
            if "NextMarker" not in page:
                return kinds
            more = {"Marker": page["NextMarker"]}

    def until(self, kind, times=1, seconds=60):
        """Wait until the history has so many such events."""
        perdure.wait_for(
            lambda: self.kinds().count(kind) >= times, seconds,
            f"{kind} of {self.arn}", every=0.02,
        )

    def stop(self, **error):
        more = {"Error": error} if error else {}
        return self.lam.stop_durable_execution(
            DurableExecutionArn=self.arn, **more
        )

    def pause(self, **more):
        return self.lam.pause_durable_execution(
            DurableExecutionArn=self.arn, **more
        )

    def resume(self, **more):
        return self.lam.resume_durable_execution(
            DurableExecutionArn=self.arn, **more
        )

    def delete(self):
        return self.lam.delete_durable_execution(DurableExecutionArn=self.arn)

    def callback(self, name):
        for event in self.history():
            if event["EventType"] == "CallbackStarted":
                if event.get("Id") == name:
                    return event["CallbackStartedDetails"]["CallbackId"]
        raise AssertionError(f"no callback {name}")


class Turn:
    """One invocation that waits for what the test wants it to answer."""

    def __init__(self, puppet, letter, envelope):
        self.puppet, self.lam, self.letter = puppet, puppet.lam, letter
        self.envelope = envelope
        self.arn = envelope["DurableExecutionArn"]
        self.token = envelope["CheckpointToken"]
        self.request_id = envelope["RequestId"]

    @property
    def operations(self):
        return self.envelope["InitialExecutionState"]["Operations"]

    def operation(self, name):
        return next(o for o in self.operations if o["Id"] == name)

    def checkpoint(self, *updates, token=None, **more):
        """With the newest token, which is replaced; returns the answer."""
        got = self.lam.checkpoint_durable_execution(
            DurableExecutionArn=self.arn,
            CheckpointToken=token or self.token,
            Updates=list(updates),
            **more,
        )
        self.token = got.get("CheckpointToken")
        return got

    def state(self, token=None, **more):
        got = self.lam.get_durable_execution_state(
            DurableExecutionArn=self.arn,
            CheckpointToken=token or self.token,
            **more,
        )
        del got["ResponseMetadata"]
        return got

    def _order(self, order):
        events = perdure.history(self.puppet.server, self.letter)
        started = next(
            (e for e in events if e["EventType"] == "CallbackStarted"), None
        )
        if started is None:
            return None
        self.lam.send_durable_execution_callback_success(
            CallbackId=started["CallbackStartedDetails"]["CallbackId"],
            Result=json.dumps(order).encode(),
        )
        return True

    def order(self, order):
        perdure.wait_for(
            lambda: self._order(order), 60, "mail's callback", every=0.01
        )

    def end(self, answer):
        """The handler returns this."""
        self.order({"return": answer})

    def pending(self):
        self.end({"Status": "PENDING"})

    def succeed(self, result="null"):
        self.end({"Status": "SUCCEEDED", "Result": result})

    def fail(self, **error):
        self.end({"Status": "FAILED", "Error": error})


# Updates ----------------------------------------------------------------------


def update(kind, name, action="START", **more):
    return {"Id": name, "Type": kind, "Action": action, **more}


def step(name, action="START", **more):
    return update("STEP", name, action, **more)


def retry(name, seconds=1, **more):
    return update(
        "STEP", name, "RETRY",
        StepOptions={"NextAttemptDelaySeconds": seconds}, **more,
    )


def wait(name, seconds=3600, **more):
    return update(
        "WAIT", name, WaitOptions={"WaitSeconds": seconds}, **more
    )


def callback(name, timeout=0, heartbeat=0, **more):
    return update(
        "CALLBACK", name,
        CallbackOptions={
            "TimeoutSeconds": timeout, "HeartbeatTimeoutSeconds": heartbeat,
        },
        **more,
    )


def context(name, action="START", **more):
    return update("CONTEXT", name, action, **more)


# Errors -----------------------------------------------------------------------


class Refused:
    """What a call was refused with."""

    def __init__(self):
        self.status = self.code = self.message = None


@contextlib.contextmanager
def refused(code=None, status=None, message=None):
    """The call must be refused, and with this."""
    said = Refused()
    try:
        yield said
    except ClientError as error:
        told = error.response
        said.code = told["Error"]["Code"]
        said.message = told["Error"]["Message"]
        said.status = told["ResponseMetadata"]["HTTPStatusCode"]
    else:
        raise AssertionError("it was not refused")
    assert code in (None, said.code), vars(said)
    assert status in (None, said.status), vars(said)
    assert message is None or said.message.startswith(message), vars(said)


def invalid(message=None):
    return refused("InvalidParameterValueException", 400, message)


def stale():
    return invalid("Invalid checkpoint token")


def conflict():
    return refused("ResourceConflictException", 409)


# What client libraries hide ------------------------------------------------------


class Raw:
    """Requests as they are, on one connection."""

    def __init__(self, server):
        host, port = server.listen.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(
            host, int(port), timeout=120
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, method, path, body=b"", **headers):
        """(status, type of the error or None, body)"""
        if not isinstance(body, (bytes, str)):
            body = json.dumps(body).encode()
        self.connection.request(
            method, "/2025-12-01" + path, body,
            {name.replace("_", "-"): v for name, v in headers.items()},
        )
        answer = self.connection.getresponse()
        return answer.status, answer.getheader("x-amzn-ErrorType"), answer.read()


def quoted(text):
    return urllib.parse.quote(text, safe="")


def execution_path(arn, suffix=""):
    return f"/durable-executions/{quoted(arn)}{suffix}"
