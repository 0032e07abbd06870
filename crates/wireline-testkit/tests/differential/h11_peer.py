"""What h11 makes of streams.

Standard input: for each stream a line `METHOD TARGET UPGRADE LENGTH`, UPGRADE being 0 or 1, and as many bytes.
Standard output: for each stream a line of JSON, in which each character stands for a byte.
"""

import json
import sys
from typing import Any

import h11

# As much as wireline takes of a head.
HEAD = 256 << 10

Json = dict[str, Any]


def judge(method: str, target: str, upgrade: bool, stream: bytes) -> Json:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD)
    fields = [("Host", "a:1")] + ([("Connection", "upgrade"), ("Upgrade", "test")] if upgrade else [])
    connection.send(h11.Request(method=method, target=target, headers=fields))
    connection.send(h11.EndOfMessage())
    message: Json = {"interims": [], "head": None, "content": "", "trailers": [], "after": None, "surplus": ""}
    ended = False
    # No bytes stand for the end.
    if stream:
        connection.receive_data(stream)
    try:
        while message["after"] is None:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(b"")
                ended = True
            elif event is h11.PAUSED:
                message["after"] = "switched"
            elif isinstance(event, h11.Response) or is_switch(event):
                message["head"] = {
                    "version": text(event.http_version),
                    "status": event.status_code,
                    "reason": text(event.reason),
                    "fields": lines(event.headers),
                }
            elif isinstance(event, h11.InformationalResponse):
                message["interims"].append(event.status_code)
            elif isinstance(event, h11.Data):
                message["content"] += text(event.data)
            elif isinstance(event, h11.EndOfMessage):
                message["trailers"] = lines(event.headers)
                if connection.their_state is h11.SWITCHED_PROTOCOL:
                    message["after"] = "switched"
                else:
                    is_done = connection.their_state is h11.DONE and connection.our_state is h11.DONE
                    persists = is_done and not ended and not connection.trailing_data[0]
                    message["after"] = "persists" if persists else "closes"
            else:
                raise AssertionError(f"an event that this program does not know: {event!r}")
    except h11.RemoteProtocolError:
        return {"verdict": "incomplete", **message} if ended else {"verdict": "refused"}
    message["surplus"] = text(connection.trailing_data[0])
    return {"verdict": "accepted", **message}


def is_switch(event: object) -> bool:
    return isinstance(event, h11.InformationalResponse) and event.status_code == 101


def lines(headers: Any) -> list[tuple[str, str]]:
    """As they came, not as h11 normalises them."""
    return [(text(name), text(value)) for name, value in headers.raw_items()]


def text(bytes_: bytes | bytearray) -> str:
    return bytes(bytes_).decode("latin-1")


def main() -> None:
    while header := sys.stdin.buffer.readline():
        method, target, upgrade, length = header.split()
        stream = sys.stdin.buffer.read(int(length))
        verdict = judge(method.decode(), target.decode(), upgrade == b"1", stream)
        print(json.dumps(verdict))


if __name__ == "__main__":
    main()
