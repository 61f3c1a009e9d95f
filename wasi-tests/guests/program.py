"""program SCRIPT [ARG]: as program.rs, in Python and its library."""
import os
import sys
import time


def files(dir):
    sub = os.path.join(dir, "sub")
    os.makedirs(os.path.join(sub, "deep"))
    path, moved, copy = (os.path.join(sub, name) for name in ("text", "moved", "copy"))
    with open(path, "w") as file:
        file.write("one\ntwo\n")
    with open(path, "a") as file:
        file.write("three\n")
    with open(path, "r+b") as file:
        file.seek(4)
        file.write(b"TWO")
        file.seek(-6, os.SEEK_END)
        print("end", file.read().decode().strip())
        file.truncate(8)
    with open(path) as file:
        text = file.read()
    print('text "' + text.replace("\n", "\\n") + '"')
    os.rename(path, moved)
    with open(copy, "w") as file:
        file.write(text)
    print("names", *sorted(os.listdir(sub)))
    print("size", os.stat(copy).st_size)
    try:
        open(path)
    except FileNotFoundError:
        print("missing Some(NotFound)")
    os.remove(moved)
    os.remove(copy)
    os.rmdir(os.path.join(sub, "deep"))
    os.rmdir(sub)
    print("left", str(os.path.exists(sub)).lower())


def clock():
    print("after 2024", str(time.time() > 1704067200).lower())
    begun = time.monotonic()
    time.sleep(0.02)
    print("slept", str(0.02 <= time.monotonic() - begun < 20).lower())


def random():
    print("different", str(os.urandom(16) != os.urandom(16)).lower())


def serve(fd, count):
    import socket
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=fd)
    for served in range(1, count + 1):
        accepted, _ = listener._accept()
        stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=accepted)
        line = stream.recv(1024).decode().splitlines()[0]
        body = f"{line} is request {served}\n"
        stream.send(f"HTTP/1.0 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        stream.shutdown(socket.SHUT_WR)
        stream.close()


script, *args = sys.argv[1:]
{"files": files, "clock": clock, "random": random, "serve": lambda fd, count: serve(int(fd), int(count))}[script](*args)
