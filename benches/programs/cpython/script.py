# Interpreter, containers, strings, big integers, classes, generators, json and re.
import json
import re
import sys

scale = int(sys.argv[1]) if len(sys.argv) > 1 else 1


def checksum(total, value):
    return (total * 31 + value) % 4294967291


class Node:
    __slots__ = ("key", "left", "right")

    def __init__(self, key):
        self.key, self.left, self.right = key, None, None


def tree(n):
    root, seed, total = Node(1 << 30), 7, 0
    for _ in range(n):
        seed = seed * 16807 % 2147483647
        node = root
        while True:
            side = "left" if seed < node.key else "right"
            child = getattr(node, side)
            if child is None:
                setattr(node, side, Node(seed))
                break
            node = child
    stack, node = [], root
    while stack or node:
        while node:
            stack.append(node)
            node = node.left
        node = stack.pop()
        total = checksum(total, node.key)
        node = node.right
    return total


def primes(n):
    sieve = bytearray([1]) * (n + 1)
    for i in range(2, int(n**0.5) + 1):
        if sieve[i]:
            sieve[i * i :: i] = bytes(len(range(i * i, n + 1, i)))
    return sum(i for i in range(2, n + 1) if sieve[i]) % 1000007


def words(n):
    counts = {}
    for i in range(n):
        word = f"w{i * 7919 % 997:x}"
        counts[word] = counts.get(word, 0) + i % 3
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    total = 0
    for rank, (word, count) in enumerate(ordered):
        total = checksum(total, rank * count + len(word))
    return total


def texts(n):
    records = [{"id": i, "name": f"item-{i * 31 % 100}", "tags": [i % 3, i % 5]} for i in range(n)]
    text = json.dumps(records)
    total = sum(int(number) for number in re.findall(r'"item-(\d+)"', text))
    for record in json.loads(text.replace("item", "thing")):
        total = checksum(total, record["id"] + sum(record["tags"]) + len(record["name"]))
    return total


def big(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a % 1000000007


for _ in range(scale):
    print("tree", tree(2000))
    print("primes", primes(20000))
    print("words", words(10000))
    print("texts", texts(500))
    print("big", big(3000))
