"""The way out of a worker: none, or through the proxy to what is allowed."""

import http.server
import socket
import socketserver
import struct
import threading
import urllib.request

import pytest

import perdure

LOOK = """
import http.client, os, socket, urllib.error, urllib.request

PROXY = ("127.0.0.1", 9003)

def raw(data, more=b""):
    with socket.create_connection(PROXY, 10) as s:
        s.sendall(data)
        if more:
            s.sendall(more)
        out = b""
        while len(out) < 2000:
            piece = s.recv(65536)
            if not piece:
                break
            out += piece
        return out.decode("latin-1")

def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return [answer.status, answer.read(1000).decode()]
    except urllib.error.HTTPError as e:
        return [e.code, e.headers.get("X-Perdure-Egress")]
    except OSError as e:
        return [0, str(e)]

def tunnel(host, port, path):
    c = http.client.HTTPConnection(*PROXY, timeout=30)
    c.set_tunnel(host, port)
    try:
        c.request("GET", path)
        answer = c.getresponse()
        body = answer.read()
        return [answer.status, len(body), body[:100].decode()]
    except OSError as e:
        return [0, 0, str(e)]

def echo(host, port, size):
    import threading
    s = socket.create_connection(PROXY, 30)
    s.sendall(f"CONNECT {host}:{port} HTTP/1.1\\r\\n\\r\\n".encode())
    assert s.recv(4096).startswith(b"HTTP/1.1 200 ")
    def send():
        block = bytes(range(256)) * 256
        for _ in range(size // len(block)):
            s.sendall(block)
        s.shutdown(socket.SHUT_WR)
    threading.Thread(target=send).start()
    got = 0
    while piece := s.recv(65536):
        got += len(piece)
    return got

def many(n):
    sockets, refused = [], 0
    for _ in range(n):
        s = socket.socket()
        s.settimeout(0.2)
        try:
            s.connect(PROXY)
            sockets.append(s)
        except OSError:
            refused += 1
    for s in sockets:
        s.close()
    return len(sockets)

def variables():
    return {n: v for n, v in os.environ.items() if "PROXY" in n.upper()}

def direct(host, port):
    try:
        socket.create_connection((host, port), 5).close()
        return "connected"
    except OSError as e:
        return type(e).__name__

def handler(event, context):
    return [globals()[name](*arguments) for name, *arguments in event]
"""


class Names(socketserver.BaseRequestHandler):
    """A name server that says what the test wants, each time anew."""

    table = {
        "good.test": ["127.0.0.2"],
        "host.test": ["127.0.0.1"],
        "meta.test": ["169.254.169.254"],
        "mapped.test": ["::ffff:127.0.0.1"],
        "six.test": ["::1"],
        "both.test": ["127.0.0.1", "127.0.0.2"],
        "zero.test": ["0.0.0.0"],
    }
    asked = 0

    def handle(self):
        data, sock = self.request
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode().lower())
            at += 1 + data[at]
        kind = struct.unpack(">H", data[at + 1 : at + 3])[0]
        question = data[12 : at + 5]
        name = ".".join(labels)
        if name == "rebind.test":
            Names.asked += kind == 1
            addresses = ["127.0.0.2" if Names.asked % 2 else "127.0.0.1"]
        else:
            addresses = self.table.get(name, [])
        answers = b""
        count = 0
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            if kind != (28 if ":" in address else 1):
                continue
            value = socket.inet_pton(family, address)
            answers += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(value))
            answers += value
            count += 1
        flags = 0x8180 if name in self.table or name == "rebind.test" else 0x8183
        head = data[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0)
        sock.sendto(head + question + answers, self.client_address)


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def do_GET(self):
        Web.seen.append((self.server.server_address[0], self.path,
                         dict(self.headers)))
        body = b"x" * int(self.path[1:]) if self.path[1:].isdigit() else (
            b"here " + self.path.encode()
        )
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while piece := self.request.recv(65536):
            self.request.sendall(piece)


class Threading(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


@pytest.fixture(scope="module")
def world():
    """A name server, a web server at 127.0.0.2 that may be reached, one at
    the same port of 127.0.0.1 that may not, and an echo."""
    names = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Names)
    web = Threading(("127.0.0.2", 0), Web)
    port = web.server_address[1]
    canary = Threading(("127.0.0.1", port), Web)
    echo = socketserver.ThreadingTCPServer(("127.0.0.2", 0), Echo)
    echo.daemon_threads = True
    servers = [names, web, canary, echo]
    for one in servers:
        threading.Thread(target=one.serve_forever, daemon=True).start()
    yield {"names": names.server_address[1], "web": port,
           "echo": echo.server_address[1]}
    for one in servers:
        one.shutdown()
        one.server_close()


@pytest.fixture(scope="module")
def server(world):
    args = [
        "--set", f"egress.resolver=127.0.0.1:{world['names']}",
        "--set", "egress.networks=127.0.0.2/32",
        "--set", f"egress.allow=*.test:{world['web']} "
        f"127.0.0.1:{world['web']} [::1]:{world['web']} "
        f"[::ffff:127.0.0.1]:{world['web']} good.test:{world['echo']}",
    ]
    one = perdure.Server(args=args)
    try:
        one.start()
        one.baseline = None
        yield one
        one.stop()
        assert not one.complaints()
    finally:
        one.cleanup()


@pytest.fixture
def look(deploy):
    def one(tag, calls, **more):
        if tag:
            more["Tags"] = {"perdure:egress": tag}
        function = deploy("app.handler", code={"app.py": LOOK}, **more)
        return function.invoke(calls)[0]

    return one


def test_none_is_the_default(look, world):
    for tag in (None, "none", "proxi"):
        saw = look(tag, [["variables"], ["direct", "127.0.0.1", 9003],
                         ["direct", "127.0.0.1", world["web"]],
                         ["direct", "1.1.1.1", 80]])
        assert saw[0] == {}
        assert saw[1] == "ConnectionRefusedError"
        assert saw[2] == "ConnectionRefusedError"
        assert saw[3] != "connected"


def test_full_is_refused_clearly(look):
    with pytest.raises(perdure.FunctionFailed) as error:
        look("full", [])
    assert "outgoing network" in str(error.value)


def test_names_that_are_allowed(look, world):
    web = world["web"]
    Web.seen.clear()
    saw = look(
        "proxy",
        [
            ["variables"],
            ["fetch", f"http://good.test:{web}/a?b=c"],
            ["fetch", f"http://GOOD.test.:{web}/a"],
            ["tunnel", "good.test", web, "/in"],
            ["tunnel", "good.test", web, "/10000000"],
            ["fetch", f"http://both.test:{web}/both"],
            ["direct", "1.1.1.1", 80],
        ],
    )
    assert saw[0]["https_proxy"] == "http://127.0.0.1:9003"
    assert saw[1] == [200, "here /a?b=c"]
    assert saw[2] == [200, "here /a"]
    assert saw[3][0] == 200
    assert saw[4][:2] == [200, 10000000]
    # Of two addresses the one that may be reached.
    assert saw[5] == [200, "here /both"]
    assert saw[6] != "connected"
    assert {address for address, _, _ in Web.seen} == {"127.0.0.2"}
    headers = Web.seen[0][2]
    assert headers["Host"] == f"good.test:{web}"
    assert headers["Connection"] == "close"
    assert not [h for h in headers if h.lower().startswith("proxy")]


def test_what_is_not_allowed(look, world):
    web = world["web"]
    Web.seen.clear()
    refused = [
        (f"http://elsewhere.example:{web}/", "not_listed"),
        (f"http://good.test:{web - 1}/", "not_listed"),
        ("http://good.test/", "not_listed"),
        (f"http://host.test:{web}/", "not_public"),
        (f"http://meta.test:{web}/", "not_public"),
        (f"http://mapped.test:{web}/", "not_public"),
        (f"http://six.test:{web}/", "not_public"),
        (f"http://zero.test:{web}/", "not_public"),
        (f"http://127.0.0.1:{web}/", "not_public"),
        (f"http://[::1]:{web}/", "not_public"),
        (f"http://[::ffff:127.0.0.1]:{web}/", "not_public"),
        (f"http://2130706433:{web}/", "not_listed"),
        (f"http://127.1:{web}/", "not_listed"),
        (f"http://nowhere.test:{web}/", "no_address"),
    ]
    saw = look("proxy", [["fetch", url] for url, _ in refused])
    # urllib goes to 127.0.0.1 by itself: NO_PROXY names it.
    for (url, why), got in zip(refused, saw):
        if "//127.0.0.1:" in url:
            assert got[0] == 0, (url, got)
        else:
            assert got == [502 if why == "no_address" else 403, why], url
    assert not Web.seen


def test_addresses_in_a_tunnel(look, world):
    web = world["web"]
    Web.seen.clear()
    hosts = ["127.0.0.1", "host.test", "six.test", "mapped.test", "meta.test"]
    saw = look("proxy", [["tunnel", host, web, "/"] for host in hosts])
    for host, got in zip(hosts, saw):
        assert got[0] == 0 and "403" in got[2], (host, got)
    assert not Web.seen


def test_a_name_that_changes_its_mind(look, world):
    """What was judged is what is connected to, whatever comes next."""
    Web.seen.clear()
    url = f"http://rebind.test:{world['web']}/"
    saw = look("proxy", [["fetch", url]] * 20)
    assert {got[0] for got in saw} == {200, 403}
    assert {address for address, _, _ in Web.seen} == {"127.0.0.2"}


def test_a_tag_narrows(look, world):
    web = world["web"]
    saw = look(
        f"proxy both.test:{web} elsewhere.example:{web}",
        [
            ["fetch", f"http://both.test:{web}/"],
            ["fetch", f"http://good.test:{web}/"],
            ["fetch", f"http://elsewhere.example:{web}/"],
        ],
    )
    assert saw[0][0] == 200
    assert saw[1] == [403, "not_listed"]
    assert saw[2] == [403, "not_listed"]


def test_bytes_go_both_ways(look, world):
    size = 32 * 1024 * 1024
    saw = look("proxy", [["echo", "good.test", world["echo"], size]], memory=512)
    assert saw == [size]


def test_bad_requests(deploy, world):
    source = LOOK + """
def handler(event, context):
    out = []
    for text in event:
        out.append(raw(text.encode("latin-1")).split("\\r\\n")[0])
    return out
"""
    web = world["web"]
    bad = [
        "GET / HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\x02\r\n\r\n",
        "CONNECT good.test HTTP/1.1\r\n\r\n",
        "CONNECT good.test:0 HTTP/1.1\r\n\r\n",
        "CONNECT good.test:99999 HTTP/1.1\r\n\r\n",
        "CONNECT user@good.test:80 HTTP/1.1\r\n\r\n",
        f"CONNECT good.test:{web} HTTP/2\r\n\r\n",
        f"GET https://good.test:{web}/ HTTP/1.1\r\n\r\n",
        f"GET http://good.test:{web}/\tx HTTP/1.1\r\n\r\n",
        f"GET http://good.test:{web}/ HTTP/1.1\r\n folded: x\r\n\r\n",
        f"GET http://good.test:{web}/ HTTP/1.1\n\n",
        "GET http://good.test/ HTTP/1.1\r\n" + "a: b\r\n" * 4000 + "\r\n",
    ]
    tags = {"perdure:egress": "proxy"}
    function = deploy("app.handler", code={"app.py": source}, Tags=tags)
    saw, _ = function.invoke(bad)
    assert saw == ["HTTP/1.1 400 Bad Request"] * len(bad)


def test_hundreds_of_connections_are_the_functions_own(look, server, world):
    saw = look(
        "proxy",
        [["many", 300], ["fetch", f"http://good.test:{world['web']}/after"]],
        timeout=120,
    )
    assert 64 <= saw[0] <= 300
    assert saw[1] == [200, "here /after"]
    text = urllib.request.urlopen(server.admin + "/metrics").read().decode()
    assert 'outcome="connected"' in text
