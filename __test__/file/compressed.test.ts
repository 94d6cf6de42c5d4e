import { readFile, writeFile } from 'node:fs/promises'
import type { ExecutionContext } from 'ava'
import { decode, DuplexStream, SoundFile, type Format } from 'pastream-rs'
import { FREE as COMMAND_FREE, needing, pastream, readWav, tool } from '../cli/support.ts'
import { concat, duplex, fails, folder, same } from '../support.ts'

const FRAMES = 50_000
const TOOLS = ['ffmpeg'] as const
/** What ffmpeg makes, and what it is to be read as. */
const KINDS = [
  ['x.flac', ['flac'], { container: 'flac', codec: 'flac', encoding: 'pcm_16', format: 'int16' }],
  ['x.mp3', ['libmp3lame'], { container: 'mp3', codec: 'mp3', encoding: 'float', format: 'float32' }],
  ['x.ogg', ['libvorbis'], { container: 'ogg', codec: 'vorbis', encoding: 'float', format: 'float32' }],
  ['x.m4a', ['aac', '-aac_pns', '0'], { container: 'm4a', codec: 'aac', encoding: 'float', format: 'float32' }],
  ['alac.m4a', ['alac'], { container: 'm4a', codec: 'alac', encoding: 'pcm_16', format: 'int16' }],
] as const

function make(cwd: string, name: string, coder: readonly string[]): void {
  const graph = 'aevalsrc=0.4*sin(900*t*(1+t*3))+0.05*(random(0)-0.5)|0.3*sin(500*t*(1+t*2)):s=44100'
  const source = ['-f', 'lavfi', '-i', graph, '-af', `atrim=end_sample=${FRAMES}`, '-sample_fmt']
  const sample = coder[0] === 'flac' ? 's16' : coder[0] === 'alac' ? 's16p' : 'fltp'
  tool(cwd, 'ffmpeg', '-v', 'error', ...source, sample, '-c:a', ...coder, name)
}

/** The file as ffmpeg decodes it, which of what loses nothing is what it was made from. */
function asFfmpeg(cwd: string, name: string): Int16Array {
  const bytes = tool(cwd, 'ffmpeg', '-v', 'error', '-i', name, '-f', 's16le', '-')
  return new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

async function whole(t: ExecutionContext, path: string, format: Format) {
  const decoded = await decode(path, { format })
  t.like(decoded, { sampleRate: 44_100, channels: 2, format, missing: 0 })
  t.is(decoded.data.length / (format === 'int24' ? 6 : 2), FRAMES)
  return decoded.data
}

for (const [name, coder, kind] of KINDS) {
  needing(TOOLS, `${name} is decoded, read, sought, iterated and played`, async (t) => {
    const path = await folder(t)
    make(path(''), name, coder)
    const data = await whole(t, path(name), kind.format)
    if (kind.format === 'int16') same(t, data, asFfmpeg(path(''), name))

    await using file = await SoundFile.open(path(name))
    t.like(file.info, { ...kind, channels: 2, sampleRate: 44_100, frames: FRAMES, missing: 0 })
    const blocks = []
    for await (const block of file.blocks({ size: 7000 })) blocks.push(block)
    same(t, concat(blocks[0]!, ...blocks.slice(1)), data)
    for (const frame of [0, 31_234, FRAMES - 10]) {
      await file.seek(frame)
      same(t, await file.read(500), data.subarray(frame * 2, frame * 2 + 1000), `${frame}`)
    }

    const stream = await DuplexStream.fromFile(path(name), { device: 'virtual:clock=free' })
    t.like(stream, { format: kind.format, channels: 2, sampleRate: 44_100 })
    await stream.toFile(path('back.wav'))
    await stream.start()
    await stream.wait()
    await stream.close()
    same(t, (await decode(path('back.wav'), { format: kind.format })).data, data)

    const back = await duplex(t, { format: kind.format, sampleRate: 44_100 })
    same(t, await back.playrec(path(name)), data)
  })
}

needing(
  TOOLS,
  'the command plays what is compressed, once and over and over, from a file and from a pipe',
  async (t) => {
    const path = await folder(t)
    const cwd = path('')
    make(cwd, 'in.flac', ['flac'])
    const sent = asFfmpeg(cwd, 'in.flac')
    const once = await pastream(t, cwd, [...COMMAND_FREE, 'in.flac', 'out.wav'])
    t.is(once.status, 0, once.stderr)
    same(t, readWav(path('out.wav')).data, sent)
    t.is((await pastream(t, cwd, [...COMMAND_FREE, '--loop', '-d', '2.5', 'in.flac', 'loop.wav'])).status, 0)
    same(t, readWav(path('loop.wav')).data, concat(sent, sent, sent).subarray(0, 2 * 110_250))
    const piped = await pastream(t, cwd, [...COMMAND_FREE, '-', 'pipe.wav'], await readFile(path('in.flac')))
    t.is(piped.status, 0, piped.stderr)
    same(t, readWav(path('pipe.wav')).data, sent)
  },
)

needing(TOOLS, 'a damaged file is played to its end, and that told', async (t) => {
  const path = await folder(t)
  const cwd = path('')
  make(cwd, 'in.flac', ['flac'])
  const bytes = await readFile(path('in.flac'))
  bytes.fill(0x55, bytes.length / 2, bytes.length / 2 + 100)
  await writeFile(path('in.flac'), bytes)
  const { data, missing } = await decode(path('in.flac'))
  t.is(data.length, 2 * FRAMES)
  t.true(missing > 0 && missing < 10_000)
  await using file = await SoundFile.open(path('in.flac'))
  t.is(file.info.missing, 0)
  await file.read(Infinity)
  t.is(file.info.missing, missing)
  const { status, stderr } = await pastream(t, cwd, [...COMMAND_FREE, 'in.flac', 'out.wav'])
  t.is(status, 1)
  t.regex(stderr, new RegExp(`in.flac is damaged: ${missing} frames of it were played as silence`))
  t.is(readWav(path('out.wav')).data.length, 4 * FRAMES)
})

needing(TOOLS, 'what can be read alone is not written, and says so', async (t) => {
  const path = await folder(t)
  make(path(''), 'in.mp3', ['libmp3lame'])
  const write = () => SoundFile.open(path('x.mp3'), { mode: 'w', sampleRate: 8000, channels: 1 })
  await fails(
    t,
    write,
    'ERR_PASTREAM_UNSUPPORTED_FILE',
    /mp3 is read, not written yet: use one of wav, rf64, w64, aiff, au, caf, raw, flac/,
  )
  const { status, stderr } = await pastream(t, path(''), [...COMMAND_FREE, 'in.mp3', 'out.mp3'])
  t.is(status, 1)
  t.regex(stderr, /mp3 is read, not written yet/)
  const asked = () => SoundFile.open({ path: path('in.mp3'), type: 'flac' })
  await fails(t, asked, 'ERR_PASTREAM_UNSUPPORTED_FILE', /it is mp3, not flac as -t says/)
  t.is((await SoundFile.open({ path: path('in.mp3'), type: 'mp3' })).info.codec, 'mp3')
})
