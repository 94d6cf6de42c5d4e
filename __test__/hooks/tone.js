// A source: so many samples, counted up; or as `mode` says.
export default async function count(stream, ring, samples, mode) {
  if (mode === 'throw') throw Object.assign(new RangeError('the tone broke'), { extra: 1 })
  if (mode === 'leave') process.exit(3)
  if (mode === 'hang') await new Promise(() => {})
  if (mode === 'state' && !(stream.sampleRate === 48_000 && stream.channels === 1 && stream.format === 'int16')) return
  for (let next = 0; next < samples;) {
    ring.waitWritable(256)
    const [room, ...parts] = ring.getWriteBuffers(Math.min(256, samples - next))
    if (room === 0) return
    for (const part of parts) for (let at = 0; at < part.length; at++) part[at] = next++
    ring.advanceWriteIndex(room)
  }
}
