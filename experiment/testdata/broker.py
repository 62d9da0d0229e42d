# A broker for tests: broker.py SLEEP BACKLOG. It sleeps for so many seconds per
# event, and its listen queue holds so many connections.
import re
import socket
import struct
import sys
import threading
import time

sleep, backlog = float(sys.argv[1]), int(sys.argv[2])
subscribers = []
ack = (
    '<trn:Transport role="ack" version="1.0" xmlns:trn="http://www.telescope-networks.org/xml/Transport/v1.1">'
    "<Origin>%s</Origin><Response>ivo://slow/broker</Response><TimeStamp>2026-01-01T00:00:00Z</TimeStamp>"
    "</trn:Transport>"
)


def listen(port, queue):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(queue)
    return listener


def discard(connection):
    while connection.recv(65536):
        pass


def subscribe(listener):
    while True:
        connection, _ = listener.accept()
        subscribers.append(connection)
        threading.Thread(target=discard, args=(connection,), daemon=True).start()


def receive(connection, n):
    data = b""
    while len(data) < n:
        more = connection.recv(n - len(data))
        if not more:
            return None
        data += more
    return data


threading.Thread(target=subscribe, args=(listen(8099, 5),), daemon=True).start()
events = listen(8098, backlog)
while True:
    connection, _ = events.accept()
    with connection:
        head = receive(connection, 4)
        event = head and receive(connection, struct.unpack(">I", head)[0])
        if not event:
            continue  # a handshake, and nothing more
        time.sleep(sleep)
        ivoid = re.search(rb"""\sivorn\s*=\s*["']([^"']*)""", event).group(1).decode()
        answer = (ack % ivoid).encode()
        connection.sendall(struct.pack(">I", len(answer)) + answer)
        for subscriber in subscribers:
            subscriber.sendall(head + event)
