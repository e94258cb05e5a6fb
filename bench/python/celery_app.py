"""What Celery runs beside Gyre's flows, and what submits it: one JSON line in, one out."""
import json
import os
import sys
import time

from celery import Celery, chain, chord, group

app = Celery("bench", broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])


@app.task(name="double")
def double(n):
    return 2 * n


@app.task(name="total")
def total(numbers):
    return sum(numbers)


@app.task(name="after")
def after(n, _index):
    return n + 1


@app.task(name="begun")
def begun(_n):
    return time.time() * 1000


def run_chord(steps):
    return chord(group(double.s(n) for n in range(steps)))(total.s()).get(timeout=120)


def run_flows(flows, steps):
    results = [chord(group(double.s(n) for n in range(steps)))(total.s()) for _ in range(flows)]
    return sum(result.get(timeout=120) for result in results)


def run_chain(steps):
    return chain(after.s(0, 0), *(after.s(i) for i in range(1, steps))).apply_async().get(timeout=120)


def run_latency(times):
    waits = []
    for _ in range(times):
        start = time.time() * 1000
        waits.append(begun.delay(0).get(timeout=120) - start)
    waits.sort()
    return waits[len(waits) // 2]


if __name__ == "__main__":
    for line in sys.stdin:
        name, *args = json.loads(line)
        start = time.perf_counter()
        result = globals()[f"run_{name}"](*args)
        print(json.dumps({"seconds": time.perf_counter() - start, "result": result}), flush=True)
