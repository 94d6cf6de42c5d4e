import test from 'ava'
import { DuplexStream } from 'pastream-rs'

test('a recording equals what was played', async (t) => {
  await using stream = await DuplexStream.open({
    device: 'virtual:clock=free',
    channels: 2,
    format: 'int16',
    sampleRate: 48_000,
  })
  const sent = Int16Array.from({ length: 20_000 }, (_, index) => ((index * 7919) % 65_536) - 32_768)
  const take = await stream.playrec(sent)
  t.deepEqual(take, sent)
  const seen: number[] = []
  for await (const chunk of stream.chunks({ size: 300, playback: sent, pad: 0 })) seen.push(...(chunk as Int16Array))
  t.deepEqual(Int16Array.from(seen), sent)
})
