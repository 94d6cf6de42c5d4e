import { randoms } from '../random.js'

/** Writes so many random samples in random steps. */
export async function writeAll(ring, samples, blocking) {
  const [values, steps] = [randoms(1), randoms(2)]
  for (let left = samples; left > 0;) {
    const wanted = Math.min(left, 1 + steps(3000))
    if (blocking) ring.waitWritable(wanted)
    else await ring.writable(wanted)
    const [room, ...parts] = ring.getWriteBuffers(wanted)
    for (const part of parts) for (let at = 0; at < part.length; at++) part[at] = values(65_536) - 32_768
    left -= ring.advanceWriteIndex(room)
  }
  ring.end()
}

/** Reads in random steps until the ring has ended; answers how many samples were as `writeAll` wrote them. */
export async function readAll(ring, blocking) {
  const [values, steps] = [randoms(1), randoms(3)]
  for (let right = 0; ;) {
    const wanted = 1 + steps(3000)
    if (blocking) ring.waitReadable(wanted)
    else await ring.readable(wanted)
    const [available, ...parts] = ring.getReadBuffers(wanted)
    if (available === 0) return right
    for (const part of parts) for (const sample of part) if (sample === values(65_536) - 32_768) right++
    ring.advanceReadIndex(available)
  }
}
