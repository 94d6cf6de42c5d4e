"""What sounddevice does: plays and records at once, and prints after how many frames what is played comes back."""

import json
import sys

import numpy
import sounddevice

RATE = 48_000
runs, latency = int(sys.argv[1]), sys.argv[2]
sent = (numpy.arange(RATE // 5, dtype=numpy.int64) * 7919 % 32_000 + 1).astype("int16").reshape(-1, 2)
sent = numpy.concatenate([sent, numpy.zeros((RATE // 2, 2), "int16")])
offsets = []
for _ in range(runs):
    take = sounddevice.playrec(sent, RATE, channels=2, dtype="int16", device="default", latency=latency, blocking=True)
    heard = numpy.flatnonzero(take.any(axis=1))
    offsets.append(int(heard[0]) if len(heard) else -1)
print(json.dumps(offsets))
