// A sink: copies what comes into `memory`, behind the number of its samples; or as `mode` says.
export default function keep(_stream, ring, memory, mode) {
  const [count, kept] = [new Int32Array(memory, 0, 1), new Int16Array(memory, 4)]
  while (ring.waitReadable(100) > 0) {
    if (mode === 'throw') throw new RangeError('the sink broke')
    count[0] += (ring.readInto(kept.subarray(count[0])) * ring.elementSize) / 2
    if (mode === 'some') return
  }
}
