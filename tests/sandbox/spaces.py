"""A host of the test's own: network namespaces with a world around them.

The test's process goes into `host`, so the daemon that it starts, and what
that makes, are in there.  Nothing leads from there to any real network: the
only interfaces lead to `world` and `lan`, which are the test's as well.

    lan 192.168.50.2 --- 192.168.50.1 host 203.0.113.2 --- 203.0.113.1 world
"""

import contextlib
import ctypes
import os
import shutil
import socket
import socketserver
import struct
import subprocess
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import perdure  # noqa: E402

CLONE_NEWNET = 0x40000000
HOST, GATEWAY, LAN = "203.0.113.2", "203.0.113.1", "192.168.50.2"
BEHIND = "203.0.113.99"     # in the operator's network too, but beyond the LAN
WEB = "203.0.113.10"        # in a network that the operator opens
RESOLVER = "203.0.113.153"  # in one that is not opened
# What lies out there besides, all of it with the same servers.
OTHERS = ["203.0.113.200", "169.254.169.254", "10.99.0.1", "172.16.5.5",
          "192.168.77.1", "100.64.0.1", "198.18.0.9", "198.51.100.7"]
PORT = 8080

libc = ctypes.CDLL(None, use_errno=True)


def enter(fd):
    if libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def space_of(pid="self"):
    return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def new_space():
    """The caller is in it afterwards."""
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    return space_of()


@contextlib.contextmanager
def inside(fd):
    before = space_of()
    enter(fd)
    try:
        yield
    finally:
        enter(before)
        os.close(before)


def run(*words):
    return subprocess.run(words, check=True, capture_output=True,
                          text=True).stdout


def ip(line):
    run("ip", *line.split())


def missing():
    """Why it cannot be had here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    if not shutil.which("ip") or not shutil.which("nft"):
        return "needs the programs ip and nft"
    if b"libnftables" not in (perdure.BUILD / "perdure").read_bytes():
        return "built without libnftables"
    if not os.access("/proc/sys/net/ipv4/ip_forward", os.W_OK):
        return "/proc/sys/net is read-only"
    before = space_of()
    try:
        space = new_space()
    except OSError as e:
        return f"no network namespace: {e}"
    try:
        ip("link add name v0 type veth peer name v1")
        run("nft", "table inet t { chain c { type filter hook forward "
            "priority 0; ct count over 5 drop; }; }")
    except subprocess.CalledProcessError as e:
        return f"no veth or no nftables: {e.stderr.strip()}"
    finally:
        enter(before)
        os.close(before)
        os.close(space)
    return None


def missing_user():
    """The same for an ordinary user; root makes the world around it."""
    if os.geteuid() != 0:
        return "needs root for the world around it"
    for word in ("ip", "setpriv", "unshare"):
        if not shutil.which(word):
            return f"needs the program {word}"
    if not (perdure.BUILD / "perdure-stack").exists():
        return "built without libslirp"
    try:
        with open("/proc/misc") as f:
            if "200 tun\n" not in f.read():
                return "this kernel has no /dev/net/tun"
    except OSError as e:
        return str(e)
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", "mount -t tmpfs t /mnt; "
         "exec setpriv --reuid 65534 --regid 65534 --clear-groups unshare "
         "--user --net true"], capture_output=True, text=True)
    return done.stderr.strip() if done.returncode else None


class Web(socketserver.BaseRequestHandler):
    """Says who is there, and then what it hears."""

    def handle(self):
        self.request.sendall(f"{self.client_address[0]}\n".encode())
        with contextlib.suppress(OSError):
            while piece := self.request.recv(65536):
                self.request.sendall(piece)


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        data, sock = self.request
        self.server.peer = self.client_address
        self.server.seen.append(data)
        sock.sendto(self.client_address[0].encode() + b" " + data,
                    self.client_address)


class Names(socketserver.BaseRequestHandler):
    """good.test is WEB; nothing else has an address."""

    def handle(self):
        data, sock = self.request
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode().lower())
            at += 1 + data[at]
        kind = struct.unpack(">H", data[at + 1:at + 3])[0]
        good = labels == ["good", "test"]
        answer = b""
        if good and kind == 1:
            answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4)
            answer += socket.inet_aton(WEB)
        head = data[:2] + struct.pack(">HHHHH", 0x8180 if good else 0x8183,
                                      1, bool(answer), 0, 0)
        sock.sendto(head + data[12:at + 5] + answer, self.client_address)


class Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 512


class Udp(socketserver.UDPServer):
    """One after the other, in the order in which they came."""

    max_packet_size = 65536


class Site:
    """All of it; the process is in `host` until close()."""

    def __init__(self):
        self.before = space_of()
        self.servers = []
        self.echoes = {}
        self.spaces = []
        try:
            self.host = self.add_space()
            self.world = self.add_space()
            self.lan = self.add_space()
            enter(self.host)
            assert os.listdir("/proc/sys/net/ipv4/conf") == [
                "all", "default", "lo"] or "eth0" not in os.listdir(
                "/proc/sys/net/ipv4/conf"), "not in a space of its own"
            self.connect()
            self.serve()
        except BaseException:
            self.close()
            raise

    def add_space(self):
        self.spaces.append(new_space())
        ip("link set lo up")
        return self.spaces[-1]

    def connect(self):
        pid = os.getpid()
        for name, peer, space in (("up0", "out0", self.world),
                                  ("lan0", "in0", self.lan)):
            ip(f"link add {name} type veth peer name {peer} "
               f"netns /proc/{pid}/fd/{space}")
        ip(f"addr add {HOST}/24 dev up0")
        ip("addr add 192.168.50.1/24 dev lan0")
        ip("link set up0 up")
        ip("link set lan0 up")
        ip(f"route add default via {GATEWAY}")
        ip(f"route add {BEHIND}/32 via {LAN}")
        with inside(self.world):
            ip(f"addr add {GATEWAY}/24 dev out0")
            for address in [WEB, RESOLVER, *OTHERS]:
                ip(f"addr add {address}/32 dev lo")
            ip("link set out0 up")
            ip(f"route add default via {HOST}")
        with inside(self.lan):
            ip(f"addr add {LAN}/24 dev in0")
            ip(f"addr add {BEHIND}/32 dev lo")
            ip("link set in0 up")
            ip("route add default via 192.168.50.1")

    def serve(self):
        def start(server):
            self.servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.05,),
                             daemon=True).start()
            return server

        def echo(address):
            """Each with its own address, as it is where answers are from."""
            self.echoes[address] = start(Udp((address, PORT), Echo))
            self.echoes[address].seen = []

        for space in (self.world, self.lan, self.host):
            with inside(space):
                start(Tcp(("0.0.0.0", PORT), Web))
        with inside(self.host):
            echo(HOST)
        with inside(self.lan):
            echo(LAN)
        with inside(self.world):
            for address in [WEB, RESOLVER, *OTHERS]:
                echo(address)
            start(Tcp(("0.0.0.0", 53), Web))
            start(Udp((RESOLVER, 53), Names))

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()
        enter(self.before)
        for space in [*self.spaces, self.before]:
            os.close(space)


def connects(address, port=PORT, seconds=10):
    """Who we are to that server, or how it ended."""
    try:
        with socket.create_connection((address, port), seconds) as s:
            return s.recv(100).decode().strip()
    except TimeoutError:
        return "timeout"
    except OSError as e:
        return os.strerror(e.errno)


def links():
    """Names of the interfaces here."""
    return sorted(name for _, name in socket.if_nameindex())


def tables():
    return run("nft", "list", "tables").split("\n")[:-1]


def forwards(name):
    with open(f"/proc/sys/net/ipv4/conf/{name}/forwarding") as f:
        return f.read() == "1\n"
