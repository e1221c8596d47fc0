"""A closed loop of HTTP requests on kept connections, in one thread: it costs
some 0.05 ms of processor time a request, the same for whoever answers."""

import selectors
import socket
import time


class Lane:
    """One connection, with one request at a time."""

    def __init__(self, address, request):
        self.address, self.request = address, request
        self.socket = None
        self.fresh()

    def fresh(self):
        if self.socket:
            self.socket.close()
        self.socket = socket.create_connection(self.address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b""

    def send(self):
        self.data = b""
        self.began = time.perf_counter()
        self.socket.sendall(self.request)

    def receive(self):
        """The whole answer, or None while there is more to come."""
        more = self.socket.recv(262144)
        if not more:
            raise ConnectionError(f"closed after {self.data[:200]}")
        self.data += more
        end = self.data.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self.data[:end].lower()
        if b"\r\ntransfer-encoding: chunked" in head:
            whole = self.data.endswith(b"0\r\n\r\n")
        else:
            at = head.find(b"\r\ncontent-length:")
            size = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            whole = len(self.data) >= end + 4 + size
        if not whole:
            return None
        if not 200 <= int(head[9:12]) < 300 or b"function-error" in head:
            raise RuntimeError(self.data[:1000])
        if b"\r\nconnection: close" in head:
            self.fresh()
        return self.data


def request(address, path, body, headers=()):
    lines = [f"POST {path} HTTP/1.1", "Host: %s:%d" % address,
             "Content-Type: application/json", *headers,
             f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def drive(address, message, callers, n, seconds=120):
    """n requests by so many callers: (whole time, [time of each]) in
    seconds.  Whoever wants warmth does it once before."""
    lanes = [Lane(address, message) for _ in range(callers)]
    took = []
    with selectors.DefaultSelector() as selector:
        for lane in lanes:
            selector.register(lane.socket, selectors.EVENT_READ, lane)
        began = time.perf_counter()
        run(selector, lanes, n, took, seconds)
        whole = time.perf_counter() - began
    for lane in lanes:
        lane.socket.close()
    return whole, took


def run(selector, lanes, n, took, seconds):
    left = n
    for lane in lanes[:n]:
        lane.send()
        left -= 1
    waiting = min(len(lanes), n)
    end = time.perf_counter() + seconds
    while waiting:
        for key, _ in selector.select(max(0, end - time.perf_counter())):
            lane, old = key.data, key.data.socket
            if not lane.receive():
                continue
            took.append(time.perf_counter() - lane.began)
            if lane.socket is not old:
                selector.unregister(old)
                selector.register(lane.socket, selectors.EVENT_READ, lane)
            waiting -= 1
            if left:
                lane.send()
                left -= 1
                waiting += 1
        if time.perf_counter() > end:
            raise TimeoutError(f"{waiting} answers missing")
