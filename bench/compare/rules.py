"""What all Python sides of bench/compare share: their inputs and the rules of measuring."""
import statistics
import time

WARM_UPS, AT_LEAST, MOST_OF = 3, 3, 5  # the rules of timing.go


def noise(n, seed):
    """The same numbers as on the other side (inputs.go), as an array."""
    import numpy as np
    h = np.arange(n, dtype=np.uint32) + np.uint32(seed * 0x9E3779B9 & 0xFFFFFFFF)
    h = (h ^ h >> np.uint32(16)) * np.uint32(0x85EBCA6B)
    h = (h ^ h >> np.uint32(13)) * np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return (h >> np.uint32(8)).astype(np.float32) / np.float32(1 << 23) - np.float32(1)


def measure(seconds, run):
    for i in range(WARM_UPS):
        began = time.perf_counter()
        run()
        if i == 0 and time.perf_counter() - began > seconds / 2:
            break
    times, clock = [], time.perf_counter
    cpu, began = time.process_time(), clock()
    last = began
    while True:
        run()
        now = clock()
        times.append(now - last)
        last = now
        total = now - began
        if (total >= seconds and len(times) >= AT_LEAST) or total >= MOST_OF * seconds:
            break
    return {"seconds": statistics.median(times), "best": min(times), "runs": len(times),
            "cores": (time.process_time() - cpu) / total}


def fastest(ways, seconds):
    """The name of the way, of {name: function}, with the least time of a call."""
    best = {}
    for name, run in ways.items():
        run()
        began, times = time.perf_counter(), []
        while not times or (time.perf_counter() - began < seconds and len(times) < 50):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        best[name] = min(times)
    return min(best, key=best.get)
