"""Functions with a network of their own (perdure:egress=full): as root by a
veth, as an ordinary user by a user-space stack.

All of it happens in network namespaces that the test makes: see spaces.py.
"""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import perdure  # noqa: E402
import spaces  # noqa: E402
from perdure import wait_for  # noqa: E402
from spaces import HOST, PORT, RESOLVER, WEB  # noqa: E402

VETH, USER = "veth", "user-space"
MISSING = {VETH: spaces.missing(), USER: spaces.missing_user()}


def by(way):
    """A parameter that is skipped where that way cannot be had."""
    return pytest.param(way, marks=pytest.mark.skipif(
        MISSING[way] is not None, reason=str(MISSING[way])))


BOTH = [by(VETH), by(USER)]
veth_only = pytest.mark.parametrize("full", [by(VETH)], indirect=True)
user_only = pytest.mark.parametrize("full", [by(USER)], indirect=True)
as_root = pytest.mark.skipif(MISSING[VETH] is not None,
                             reason=str(MISSING[VETH]))

REFUSED = "Connection refused"  # though there is a server
# To who sends; told only so often, and else not at all.
PROHIBITED = ("No route to host", "timeout")
RANGE = "10.213.0.0/16"
CONNECTIONS = 40

LOOK = """
import os, socket

def word(e):
    return "timeout" if isinstance(e, TimeoutError) else (
        os.strerror(e.errno) if e.errno else str(e))

def tcp(host, port):
    try:
        with socket.create_connection((host, port), 20) as s:
            return s.recv(100).decode().strip()
    except OSError as e:
        return word(e)

def udp(host, port, source=None, seconds=20):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(seconds)
        try:
            if source:
                s.bind((source, 0))
            s.connect((host, port))
            s.send(b"hello")
            return s.recv(100).decode()
        except OSError as e:
            return word(e)

def udp_wait(host, port):
    # What comes after the answer, to a port that is open to all.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(20)
        s.sendto(b"wait", (host, port))
        return [s.recv(100).decode(), s.recv(100).decode()]

def name(host):
    try:
        return socket.gethostbyname(host)
    except OSError as e:
        return type(e).__name__

def much(host, port, size):
    import threading
    with socket.create_connection((host, port), 20) as s:
        while s.recv(1) != b"\\n":
            pass
        def send():
            for _ in range(size // 65536):
                s.sendall(b"x" * 65536)
            s.shutdown(socket.SHUT_WR)
        threading.Thread(target=send).start()
        got = 0
        while piece := s.recv(65536):
            got += len(piece)
        return got

def many(host, port, n, keep):
    kept, ends = [], {}
    for _ in range(n):
        s = socket.socket()
        s.settimeout(20)
        try:
            s.connect((host, port))
            end = "connected"
            if keep:
                kept.append(s)
            else:
                # To the end on both sides: one is open at any time.
                s.shutdown(socket.SHUT_WR)
                while s.recv(100):
                    pass
                s.close()
        except OSError as e:
            end = word(e)
        ends[end] = ends.get(end, 0) + 1
    for s in kept:
        s.close()
    return ends

def raw():
    out = []
    for family, kind, proto in ((socket.AF_INET, socket.SOCK_RAW, 1),
            (socket.AF_PACKET, socket.SOCK_RAW, 0),
            (socket.AF_INET, socket.SOCK_DGRAM, 1)):
        try:
            socket.socket(family, kind, proto).close()
            out.append("made")
        except OSError as e:
            out.append("refused")
    return out

def text(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError as e:
        return word(e)

def six(address):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        try:
            s.connect((address, 1))
            return "connected"
        except OSError as e:
            return word(e)

def links():
    return sorted(n for _, n in socket.if_nameindex())

def variables():
    return [n for n in os.environ if "PROXY" in n.upper()]

def handler(event, context):
    return [globals()[name](*arguments) for name, *arguments in event]
"""


# The device is there for everybody, as on most hosts, but only for this one.
ORDINARY = """
mkdir -p /dev/net && mount -t tmpfs tun /dev/net &&
mknod -m {mode} /dev/net/tun c 10 200 &&
exec setpriv --reuid {uid} --regid {gid} --clear-groups -- "$@"
"""


class Ordinary(perdure.Server):
    """As the user nobody."""

    mode = 666

    def __init__(self, args):
        super().__init__(args=args, user="nobody")

    def command(self):
        found = os.stat(self.data)
        return ["unshare", "--mount", "sh", "-ec", ORDINARY.format(
            uid=found.st_uid, gid=found.st_gid, mode=self.mode), "sh",
            *super().command()]

    def start(self, *arguments, **more):
        identity, self.identity = self.identity, {}
        try:
            return super().start(*arguments, **more)
        finally:
            self.identity = identity


def server(*settings, way=VETH):
    kind = Ordinary if way == USER else perdure.Server
    one = kind(args=sum((["--set", s] for s in (
        "egress.full=true", f"egress.nameservers={RESOLVER}",
        # The range of workers, too: they still do not reach each other.
        f"egress.networks=203.0.113.0/25 {RANGE}",
        f"egress.connections={CONNECTIONS}", "egress.rate=100000",
        *settings)), []))
    one.start()
    return one


def stopped(one, allowed=()):
    one.stop()
    assert not one.complaints(allowed=allowed)


def look(one, calls, tag="full", name=None):
    """The function is made when it is asked for the first time."""
    name = name or f"f-{tag}"
    if not hasattr(one, "made"):
        one.made = {}
    if name not in one.made:
        one.made[name] = perdure.deploy(
            one, name, "app.handler", code={"app.py": LOOK},
            Tags={"perdure:egress": tag})
    return one.made[name].invoke(calls)[0]


def router(one):
    """Main's descriptor of the router's namespace."""
    folder = f"/proc/{one.process.pid}/fd"
    for fd in os.listdir(folder):
        try:
            if os.readlink(f"{folder}/{fd}").startswith("net:["):
                return os.open(f"{folder}/{fd}", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            pass
    raise AssertionError("main has no router")


def in_router(one, what):
    fd = router(one)
    try:
        with spaces.inside(fd):
            return what()
    finally:
        os.close(fd)


def stacks(one):
    return one.children("perdure-stack")


def worker_pids(one):
    """First processes of sandboxes that have an eth0."""
    found = []
    for pid in one.worker_pids():
        try:
            fd = spaces.space_of(pid)
        except OSError:
            continue
        with spaces.inside(fd):
            if "eth0" in spaces.links():
                found.append(pid)
        os.close(fd)
    return found


@pytest.fixture(scope="module")
def site():
    one = spaces.Site()
    yield one
    one.close()


@pytest.fixture(scope="module", params=BOTH)
def full(site, request):
    one = server(way=request.param)
    one.way = request.param
    try:
        yield one
        # A test kills workers that are frozen.
        stopped(one, ["cannot thaw a worker"])
    finally:
        one.cleanup()


def test_it_reaches_the_world(full):
    saw = look(full, [["tcp", WEB, PORT], ["udp", WEB, PORT],
                      ["much", WEB, PORT, 1 << 24], ["variables"],
                      ["links"]])
    # As the host, which hides the rest.
    assert saw[:2] == [HOST, f"{HOST} hello"]
    assert saw[2] == 1 << 24
    assert saw[3] == []
    assert saw[4] == ["eth0", "lo"]


def test_names(full):
    saw = look(full, [["text", "/etc/resolv.conf"], ["name", "good.test"],
                      ["name", "bad.test"], ["tcp", "good.test", PORT]])
    assert saw == [f"nameserver {RESOLVER}\n", WEB, "gaierror", HOST]


def test_a_name_server_is_that_and_nothing_else(full):
    assert spaces.connects(RESOLVER) == HOST
    saw = look(full, [["tcp", RESOLVER, 53], ["tcp", RESOLVER, PORT],
                      ["udp", RESOLVER, PORT, None, 1]])
    assert saw[:2] == [HOST, REFUSED]
    assert saw[2] in PROHIBITED


@pytest.mark.parametrize("address", spaces.OTHERS)
def test_not_there(full, site, address):
    """What is not the internet's; the host itself would get there."""
    assert spaces.connects(address) == HOST
    saw = look(full, [["tcp", address, PORT], ["tcp", address, 53],
                      ["udp", address, PORT, None, 1]])
    assert saw[:2] == [REFUSED] * 2
    assert saw[2] in PROHIBITED
    assert site.echoes[address].seen == []


def test_not_to_the_host(full, site):
    """Not by any of its addresses, in networks that are open or not."""
    addresses = [HOST, "192.168.50.1"]
    for link in [n for n in spaces.links() if n.startswith("pd")]:
        out = spaces.run("ip", "-4", "-o", "addr", "show", "dev", link)
        addresses.append(out.split()[3].split("/")[0])
    assert len(addresses) == (3 if full.way == VETH else 2)
    for address in [*addresses, "127.0.0.1"]:
        assert spaces.connects(address) in (address, HOST), address
    api = int(full.listen.rsplit(":", 1)[1])
    for address in addresses:
        assert look(full, [["tcp", address, PORT],
                           ["tcp", address, api]]) == [REFUSED] * 2, address
    assert look(full, [["udp", HOST, PORT, None, 1]])[0] in PROHIBITED
    assert site.echoes[HOST].seen == []
    saw = look(full, [["tcp", "127.0.0.1", PORT], ["tcp", "0.0.0.0", PORT],
                      ["tcp", "127.0.0.1", api]])
    assert saw == [REFUSED] * 3


def test_not_to_the_router(full):
    gateway = "10.213.0.1"
    saw = look(full, [["tcp", gateway, PORT], ["tcp", gateway, 53],
                      ["udp", gateway, 53, None, 1]])
    assert saw[:2] == [REFUSED] * 2
    assert saw[2] in PROHIBITED


def test_not_where_the_host_may_go_but_no_uplink_leads(full):
    """A network behind the host; addresses of others on the uplink's side."""
    for address in (spaces.LAN, spaces.BEHIND):
        assert spaces.connects(address) == "192.168.50.1"
        assert look(full, [["tcp", address, PORT]]) == [REFUSED]


def test_not_to_an_address_that_the_host_has_since_today(full):
    """Nobody starts anew for it; it is out there until the host has it."""
    late = "203.0.113.88"
    look(full, [])
    spaces.ip(f"addr add {late}/32 dev lo")
    try:
        assert spaces.connects(late) == late
        saw = look(full, [["tcp", late, PORT], ["udp", late, PORT, None, 1]])
        assert saw[0] == REFUSED and saw[1] in PROHIBITED
    finally:
        spaces.ip(f"addr del {late}/32 dev lo")


def test_not_to_each_other(full):
    look(full, [], name="neighbour")
    mine = look(full, [["links"]])
    assert mine == [["eth0", "lo"]]
    addresses = {}
    for pid in worker_pids(full):
        fd = spaces.space_of(pid)
        with spaces.inside(fd):
            line = spaces.run("ip", "-4", "-o", "addr", "show", "dev", "eth0")
        address = line.split()[3].split("/")[0]
        if addresses.setdefault(address, fd) != fd:
            os.close(fd)
    assert len(addresses) >= 2
    for address, fd in addresses.items():
        with spaces.inside(fd):
            listener = socket.create_server(("0.0.0.0", 7777))
            own = socket.create_connection((address, 7777), 10)
        # Not from any other worker.
        for other, other_fd in addresses.items():
            if other != address:
                with spaces.inside(other_fd):
                    assert spaces.connects(address, 7777) == REFUSED
        own.close()
        listener.close()
    for fd in addresses.values():
        os.close(fd)


def test_only_from_its_own_address(full, site):
    """Nobody inside could send another one; root can, and it is dropped."""
    look(full, [])
    fd = spaces.space_of(worker_pids(full)[0])
    site.echoes[WEB].seen.clear()
    try:
        with spaces.inside(fd):
            spaces.ip("addr add 10.213.77.7/32 dev eth0")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.bind(("10.213.77.7", 0))
                for _ in range(20):
                    s.sendto(b"forged", (WEB, PORT))
            spaces.ip("addr del 10.213.77.7/32 dev eth0")
            # In order: when this one is there the others were, too.
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(20)
                s.sendto(b"own", (WEB, PORT))
                assert s.recv(100) == f"{HOST} own".encode()
    finally:
        os.close(fd)
    assert set(site.echoes[WEB].seen) == {b"own"}


def test_its_loopback_leads_nowhere(full, site):
    site.echoes[WEB].seen.clear()
    saw = look(full, [["udp", WEB, PORT, "127.0.0.1", 1],
                      ["udp", WEB, PORT]])
    assert saw[0] in ("timeout", "Invalid argument")
    assert saw[1] == f"{HOST} hello"
    assert site.echoes[WEB].seen == [b"hello"]


def test_no_ipv6(full):
    saw = look(full, [["six", "2001:db8::1"], ["six", "fe80::1%eth0"],
                      ["text", "/proc/self/net/if_inet6"], ["raw"]])
    assert saw[0] == "Network is unreachable"
    assert saw[1] != "connected"
    assert "eth0" not in saw[2]
    assert saw[3] == ["refused"] * 3
    if full.way == USER:
        return
    for name in in_router(full, spaces.links):
        assert in_router(full, lambda n=name: spaces.run(
            "ip", "-6", "-o", "addr", "show", "dev", n)) == ""


def test_connections_at_once(full):
    ends = look(full, [["many", WEB, PORT, 2 * CONNECTIONS, True]],
                name="many")[0]
    assert ends == {"connected": CONNECTIONS, REFUSED: CONNECTIONS}
    # Others are not short of any, and it gets its own back.
    assert look(full, [["tcp", WEB, PORT]]) == [HOST]
    wait_for(lambda: look(full, [["tcp", WEB, PORT]], name="many") == [HOST],
             60, "room for a connection")


def test_the_others_have_none(full):
    for tag in ("none", "proxy"):
        saw = look(full, [["tcp", WEB, PORT], ["links"],
                          ["text", "/etc/resolv.conf"]], tag=tag)
        assert saw == ["Network is unreachable", ["lo"], ""]


@veth_only
def test_a_blank_gets_it_when_it_is_bound(full):
    look(full, [])
    wait_for(lambda: "blank worker is ready" in full.log_since(), 60,
             "a blank worker")

    def bound():
        """Another may have had the one that was ready."""
        before = full.log_size()
        name = f"late-{len(full.made)}"
        assert look(full, [["tcp", WEB, PORT], ["name", "good.test"],
                           ["links"]], name=name) == [
            HOST, WEB, ["eth0", "lo"]]
        return "blank worker is bound" in full.log_since(before)

    wait_for(bound, 60, "a blank that is bound")


@veth_only
def test_it_ends_with_the_worker(full):
    look(full, [], name="short")
    before = in_router(full, spaces.links)
    assert any(n.startswith("w") for n in before)
    full.kill("worker")
    wait_for(lambda: not [n for n in in_router(full, spaces.links)
                          if n in before and n.startswith("w")], 30,
             "no interface of a worker that is gone")


@veth_only
def test_the_host_forwards_for_nobody_else(full, site):
    """It was off before, and is on for functions only."""
    assert spaces.forwards("up0")
    with spaces.inside(site.world):
        spaces.ip("route replace 192.168.50.0/24 via 203.0.113.2")
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                for _ in range(20):
                    s.sendto(b"from the world", (spaces.LAN, PORT))
        finally:
            spaces.ip("route del 192.168.50.0/24")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(20)
        s.sendto(b"from the host", (spaces.LAN, PORT))
        assert s.recv(100) == b"192.168.50.1 from the host"
    assert site.echoes[spaces.LAN].seen == [b"from the host"]


@veth_only
def test_nobody_comes_in(full, site):
    """To the router, to a worker: by the host's link there is no way in."""
    look(full, [])
    link = next(n for n in spaces.links() if n.startswith("pd"))
    out = spaces.run("ip", "-4", "-o", "addr", "show", "dev", link)
    host = out.split()[3].split("/")[0]
    here = host[:host.rindex(".") + 1] + str(int(host.split(".")[3]) + 1)
    with spaces.inside(site.world):
        spaces.ip(f"route replace {here}/32 via 203.0.113.2")
        try:
            assert spaces.connects(here, seconds=1) == "timeout"
        finally:
            spaces.ip(f"route del {here}/32")


def test_only_answers_come_back(full, site):
    """Who has not been asked is not heard, whatever port it comes to."""
    look(full, [])
    echo = site.echoes[WEB]
    echo.seen.clear()
    got = []
    caller = threading.Thread(target=lambda: got.extend(
        look(full, [["udp_wait", WEB, PORT]])))
    caller.start()
    try:
        wait_for(lambda: b"wait" in echo.seen, 30, "a packet")
        with spaces.inside(site.world):
            for address in (WEB, spaces.OTHERS[0]):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.bind((address, 0))
                    s.sendto(b"not asked", echo.peer)
        echo.socket.sendto(b"asked", echo.peer)
    finally:
        caller.join(60)
    assert got == [[f"{HOST} wait", "asked"]]


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def datagram(source, to, text, options=b"", part=0, ident=7):
    """IPv4 with UDP to PORT; a part of one looks as if it were whole."""
    body = struct.pack(">HHHH", 9999, PORT, 8 + len(text), 0) + text
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0,
        20 + len(options) + len(body), ident, part, 64, 17, 0,
        socket.inet_aton(source), socket.inet_aton(to)) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body


@user_only
def test_what_only_root_could_send(full, site):
    """Forged, in parts, with options, to many: nobody inside can, and what
    could goes nowhere.  One packet at the end is an honest one."""
    look(full, [])
    fd = spaces.space_of(worker_pids(full)[0])
    route = b"\x83\x07\x04" + socket.inet_aton(WEB) + b"\0"
    for echo in site.echoes.values():
        echo.seen.clear()
    try:
        with spaces.inside(fd), socket.socket(
                socket.AF_PACKET, socket.SOCK_DGRAM) as s:
            line = spaces.run("ip", "-4", "-o", "addr", "show", "dev", "eth0")
            own = line.split()[3].split("/")[0]
            for packet in (
                    datagram(own, "10.99.0.1", b"private"),
                    datagram(own, "169.254.169.254", b"metadata"),
                    datagram(own, HOST, b"host"),
                    datagram(own, "127.0.0.1", b"loopback"),
                    datagram(own, "203.0.113.255", b"broadcast"),
                    datagram(own, "255.255.255.255", b"all"),
                    datagram(own, "224.0.0.1", b"many"),
                    datagram(own, "0.0.0.0", b"nobody"),
                    datagram("10.213.77.7", WEB, b"forged"),
                    datagram(HOST, WEB, b"as the host"),
                    datagram(own, WEB, b"source route", options=route),
                    # Who puts them together takes the first for all;
                    # libslirp 4.7.0 ends by a signal on these four.
                    datagram(own, WEB, b"sixteen bytes ok", part=0x2000),
                    datagram(own, WEB, b"and more", part=3),
                    # The tail first, then a head over a part of it.
                    datagram(own, WEB, b"eight by", part=1, ident=8),
                    datagram(own, WEB, b"sixteen bytes no", part=0x2000,
                             ident=8),
                    datagram(own, WEB, b"honest")):
                s.sendto(packet, ("eth0", 0x0800))
            # IPv6, and IPv4 that says it is.
            for packet in (b"\x60" + bytes(60), b"\x45" + bytes(60)):
                s.sendto(packet, ("eth0", 0x86dd))
        wait_for(lambda: b"honest" in site.echoes[WEB].seen, 30, "a packet")
        assert look(full, [["udp", WEB, PORT]]) == [f"{HOST} hello"]
    finally:
        os.close(fd)
    seen = {a: e.seen for a, e in site.echoes.items() if e.seen}
    assert set(seen) == {WEB} and set(seen[WEB]) == {b"honest", b"hello"}


@user_only
def test_the_stack_is_locked_in(full):
    """No files, no capabilities, no descriptors but its own."""
    look(full, [["tcp", WEB, PORT]])
    pid = stacks(full)[0]
    status = dict(line.split(":\t", 1) for line in Path(
        f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    assert int(status["CapPrm"], 16) == int(status["CapEff"], 16) == 0
    assert status["Uid"].split()[0] != "0"
    kinds = {os.readlink(f"/proc/{pid}/fd/{fd}").split(":[")[0]
             for fd in os.listdir(f"/proc/{pid}/fd")}
    # The device is in a mount namespace of main's: see Ordinary.
    assert {os.path.basename(kind) for kind in kinds} <= {
        "null", "tun", "socket", full.log_path.name}
    limits = Path(f"/proc/{pid}/limits").read_text()
    files = next(li for li in limits.splitlines() if "open files" in li)
    assert int(files.split()[3]) <= 2 * CONNECTIONS + 32
    # Both have a way, each by a process of its own.
    look(full, [], name="another")
    assert len(stacks(full)) >= 2


@user_only
def test_stack_and_worker_end_together(full):
    look(full, [], name="together")
    before = stacks(full)
    pids = worker_pids(full)
    with contextlib.suppress(ProcessLookupError):
        os.kill(before[0], signal.SIGKILL)
    wait_for(lambda: len(set(worker_pids(full)) & set(pids)) < len(pids), 30,
             "the worker of a stack that was killed is gone")
    full.kill("worker")
    wait_for(lambda: not set(stacks(full)) & set(before), 30,
             "no stack of a worker that is gone")
    wait_for(lambda: look(full, [["tcp", WEB, PORT]], name="together") == [
        HOST], 60, "a worker with a network")


# Lives of its own ------------------------------------------------------------


def clean():
    assert not [n for n in spaces.links() if n.startswith("pd")]
    assert tables() == []
    assert not spaces.forwards("up0")


def tables():
    return [t for t in spaces.tables() if "perdure" in t]


@pytest.fixture
def alone():
    """A host where nothing of the others' is."""
    one = spaces.Site()
    yield one
    one.close()


@as_root
def test_nothing_is_left_behind(alone):
    assert not spaces.forwards("up0")
    one = server()
    try:
        assert look(one, [["tcp", WEB, PORT]]) == [HOST]
        assert tables() == ["table inet perdure_0"]
        stopped(one)
    finally:
        one.cleanup()
    clean()


@as_root
def test_after_main_was_killed(alone):
    one = server()
    try:
        assert look(one, [["tcp", WEB, PORT]]) == [HOST]
        one.kill("main")
        # The way is gone at once, and what guarded it is still there.
        wait_for(lambda: "pd0" not in spaces.links(), 30, "no link")
        assert tables() == ["table inet perdure_0"]
        one.start_again()
        assert len(tables()) == 1
        assert look(one, [["tcp", WEB, PORT]]) == [HOST]
        one.kill("all")
        one.start_again()
        assert look(one, [["tcp", WEB, PORT],
                          ["tcp", "10.99.0.1", PORT]]) == [HOST, REFUSED]
        stopped(one, ["main is gone"])
    finally:
        one.cleanup()
    clean()


@as_root
def test_what_another_left_is_swept(alone):
    """Also when nobody comes back for it."""
    killed = server()
    other = server()
    try:
        assert tables() == ["table inet perdure_0", "table inet perdure_1"]
        killed.kill("all")
        wait_for(lambda: "pd0" not in spaces.links(), 30, "no link")
        assert look(other, [["tcp", WEB, PORT]]) == [HOST]
        stopped(other)
    finally:
        killed.cleanup()
        other.cleanup()
    clean()


@as_root
def test_two_at_once(alone):
    first = server()
    second = server("egress.rate=1", "egress.connections=30")
    try:
        for one in (first, second):
            assert look(one, [["tcp", WEB, PORT],
                              ["tcp", "10.99.0.1", PORT]]) == [HOST, REFUSED]
        # Each has its own limits; the second's one connection a second.
        ends = look(second, [["many", WEB, PORT, 100, False]])[0]
        assert ends.get(REFUSED, 0) > 0
        assert look(first, [["many", WEB, PORT, 30, False]]) == [
            {"connected": 30}]
        # Neither reaches the other's link.
        links = [n for n in spaces.links() if n.startswith("pd")]
        assert len(links) == 2
        for link in links:
            out = spaces.run("ip", "-4", "-o", "addr", "show", "dev", link)
            address = out.split()[3].split("/")[0]
            assert spaces.connects(address) == address
            assert look(first, [["tcp", address, PORT]]) == [REFUSED]
        stopped(second)
        assert look(first, [["tcp", WEB, PORT]]) == [HOST]
        assert spaces.forwards("up0")
        stopped(first)
    finally:
        first.cleanup()
        second.cleanup()
    clean()


@as_root
def test_forwarding_that_was_on_stays_on(alone):
    with open("/proc/sys/net/ipv4/conf/up0/forwarding", "w") as f:
        f.write("1")
    one = server()
    try:
        assert look(one, [["tcp", WEB, PORT]]) == [HOST]
        stopped(one)
    finally:
        one.cleanup()
    assert spaces.forwards("up0")
    assert tables() == []


@pytest.mark.parametrize("way", BOTH)
def test_all_of_them_together(alone, way):
    one = server("egress.connections_total=10", way=way)
    try:
        ends = look(one, [["many", WEB, PORT, 20, True]])[0]
        assert ends == {"connected": 10, REFUSED: 10}
        stopped(one)
    finally:
        one.cleanup()


@pytest.mark.parametrize("way", BOTH)
def test_new_ones_a_second(alone, way):
    one = server("egress.rate=1", "egress.connections=30", way=way)
    try:
        ends = look(one, [["many", WEB, PORT, 100, False]])[0]
        assert ends.get(REFUSED, 0) > 0 and ends["connected"] >= 20
        stopped(one)
    finally:
        one.cleanup()


@pytest.mark.skipif(MISSING[USER] is not None, reason=str(MISSING[USER]))
def test_a_user_leaves_nothing_behind(alone):
    """The host is not changed, and nothing outlives main."""
    before = spaces.links(), spaces.tables() if not MISSING[VETH] else []
    one = server(way=USER)
    try:
        assert look(one, [["tcp", WEB, PORT]]) == [HOST]
        one.kill("main")
        one.start_again()
        assert look(one, [["tcp", WEB, PORT], ["tcp", "10.99.0.1", PORT]]) \
            == [HOST, REFUSED]
        assert (spaces.links(), spaces.tables() if not MISSING[VETH]
                else []) == before
        stopped(one, ["main is gone"])
    finally:
        one.cleanup()


@pytest.mark.skipif(MISSING[USER] is not None, reason=str(MISSING[USER]))
def test_a_user_without_the_device_is_refused_clearly(alone):
    one = Ordinary(args=["--set", "egress.full=true", "--set",
                         f"egress.nameservers={RESOLVER}"])
    one.mode = 600
    try:
        one.start()
        with pytest.raises(perdure.FunctionFailed) as error:
            look(one, [])
        assert "outgoing network" in str(error.value)
        assert "/dev/net/tun: Permission denied" in str(error.value)
        one.stop()
    finally:
        one.cleanup()


@as_root
@pytest.mark.parametrize("settings, why", [
    (["egress.full=false"], "egress.full is false"),
    (["egress.uplinks=nosuch0"], "nosuch0"),
    (["sandbox.without=netns"], "needs network"),
])
def test_refused_clearly(alone, settings, why):
    if settings == ["sandbox.without=netns"] and b"sandbox.without" not in (
            perdure.BUILD / "perdure").read_bytes():
        pytest.skip("needs a build with failpoints")
    one = perdure.Server(args=sum((["--set", s] for s in [
        "egress.full=true", f"egress.nameservers={RESOLVER}", *settings]),
        []))
    try:
        one.start()
        with pytest.raises(perdure.FunctionFailed) as error:
            look(one, [])
        assert "outgoing network" in str(error.value)
        assert why in str(error.value)
        one.stop()
    finally:
        one.cleanup()
    clean()


@pytest.mark.parametrize("setting", [
    "egress.range=10.0.0.0/24", "egress.range=8.0.0.0/16",
    "egress.range=10.0.0.0", "egress.uplinks=a\"b", "egress.rate=0",
    "egress.nameservers=127.0.0.1", "egress.nameservers=x"])
def test_settings_that_cannot_be(setting):
    done = subprocess.run(
        [perdure.BUILD / "perdure", "serve", "--dev", "--set", setting],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert setting.split("=")[0] in done.stderr
