// A source for `thread`: writes a tone into the ring for as long as the stream wants it.
export default function tone(stream, ring, frequency) {
  const step = (2 * Math.PI * frequency) / stream.sampleRate
  let frame = 0
  while (ring.waitWritable(256) > 0) {
    const [room, ...parts] = ring.getWriteBuffers()
    for (const part of parts) for (let at = 0; at < part.length; at++) part[at] = 0.5 * Math.sin(step * frame++)
    ring.advanceWriteIndex(room)
  }
}
