import test, { type ExecutionContext } from 'ava'
import { generators, type Format, type SampleArray } from 'pastream-rs'
import { bytes, concat, duplex, fails, FORMATS, RATE, same, silence } from './support.ts'

type Part = generators.SignalPart
type Settings = generators.SignalSettings

const { chirp, impulse, noise, sine, take } = generators
const BITS = { float32: 32, int32: 32, int24: 24, int16: 16, int8: 8, uint8: 8 }
const mono: Settings = { sampleRate: RATE, channels: 1, format: 'float32' }

/** All chunks of a signal that ends, as one array. */
function render(signal: Part, settings: Partial<Settings> = {}): SampleArray {
  const [format = 'float32'] = [settings.format].flat() as Format[]
  return concat(silence(format, 0), ...Array.from(signal({ ...mono, ...settings }), (chunk) => chunk.slice()))
}

/** One value as a sample: × 2^(bits − 1), to the nearest, to even halfway, clipped; uint8 around 128. */
function sample(format: Exclude<Format, 'float32'>, value: number): bigint {
  const [scaled, full] = [value * 2 ** (BITS[format] - 1), 2 ** (BITS[format] - 1)]
  const [below, rest] = [Math.floor(scaled), scaled - Math.floor(scaled)]
  const up = rest > 0.5 || (rest === 0.5 && Math.abs(below) % 2 === 1)
  return BigInt(Math.max(-full, Math.min(full - 1, up ? below + 1 : below)) + (format === 'uint8' ? 128 : 0))
}

/** Values as what a stream of `format` takes, bit by bit. */
function converted(format: Format, values: readonly number[]): Uint8Array {
  if (format === 'float32') return bytes(Float32Array.from(values))
  const size = BITS[format] / 8
  return Uint8Array.from(
    values.flatMap((value) => {
      const whole = sample(format, value)
      return Array.from({ length: size }, (_, byte) => Number(BigInt.asUintN(8, whole >> BigInt(8 * byte))))
    }),
  )
}

function* gives(t: ExecutionContext, steps: () => void): Generator<Int16Array, void, undefined> {
  for (let at = 0; ; at += 10) {
    steps()
    t.true(at < 1000, 'takes steps without end')
    yield Int16Array.from({ length: 10 }, (_, index) => at + index)
  }
}

test('a sine is Math.sin, value by value, in every format and on every channel', (t) => {
  const [frequency, phase, frames] = [997, 0.3, 5000]
  for (const amplitude of [0.5, 1, 1.7]) {
    const values = Array.from({ length: frames }, (_, frame) => {
      const cycles = ((frequency * frame) % RATE) / RATE
      return amplitude * Math.sin(2 * Math.PI * cycles + phase)
    })
    for (const format of FORMATS) {
      for (const channels of [1, 3]) {
        const played = render(sine({ frequency, phase, amplitude, frames }), { format, channels })
        const expected = values.flatMap((value) => Array.from({ length: channels }, () => value))
        same(t, played, converted(format, expected), `${format} ${channels} ${amplitude}`)
      }
    }
  }
  same(
    t,
    render(take(sine(440), { frames: 99 })),
    render(sine({ frequency: 440, amplitude: 0.5, phase: 0, frames: 99 })),
  )
})

test('values between two samples are rounded to the nearest, to even halfway, and clipped', (t) => {
  const values = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 2.49, 2.51, -2.51, 126.5, 127.5, 128, 500, -128, -128.5, -500]
  const rounded = [0, 2, 2, -0, -2, -2, 2, 3, -3, 126, 127, 127, 127, -128, -128, -128]
  for (const [index, value] of values.entries()) {
    // A sine of 0 Hz is a constant.
    const constant = sine({
      frequency: 0,
      phase: value < 0 ? -Math.PI / 2 : Math.PI / 2,
      amplitude: Math.abs(value) / 128,
      frames: 1,
    })
    t.is(render(constant, { format: 'int8' })[0], (rounded[index] ?? 0) + 0, `${value}`)
    t.is(render(constant, { format: 'uint8' })[0], 128 + (rounded[index] ?? 0), `${value}`)
  }
})

test('a sine of whole Hz is the same in each second', (t) => {
  const played = render(sine({ frequency: 441, seconds: 20 }), { sampleRate: 8000 })
  t.is(played.length, 160_000)
  same(t, played.subarray(152_000), played.subarray(0, 8000))
})

test('a chirp is its closed form, and has its frequencies at the start and at the end', (t) => {
  const seconds = 10
  const sweeps = [
    { from: 100, to: 4000, method: 'linear', cycles: (u: number) => seconds * (100 * u + (3900 * u * u) / 2) },
    { from: 4000, to: 100, method: 'linear', cycles: (u: number) => seconds * (4000 * u - (3900 * u * u) / 2) },
    {
      from: 100,
      to: 6400,
      method: 'logarithmic',
      cycles: (u: number) => ((seconds * 100) / Math.log(64)) * (64 ** u - 1),
    },
    {
      from: 6400,
      to: 100,
      method: 'logarithmic',
      cycles: (u: number) => ((seconds * 6400) / Math.log(64)) * (1 - 64 ** -u),
    },
    { from: 500, to: 500, method: 'logarithmic', cycles: (u: number) => seconds * 500 * u },
  ] as const
  for (const { from, to, method, cycles } of sweeps) {
    const played = render(chirp({ from, to, method, seconds, amplitude: 0.8 }))
    t.is(played.length, seconds * RATE)
    let worst = 0
    for (const [frame, value] of played.entries()) {
      const expected = 0.8 * Math.sin(2 * Math.PI * cycles(frame / played.length))
      worst = Math.max(worst, Math.abs(value - expected))
    }
    // Half a step of float32 is 3e-8; the two ways to write the phase differ by less.
    t.true(worst < 1e-7, `${from} to ${to} Hz: off by ${worst}`)
    // Of a sine, x[n − 1] + x[n + 1] = 2 cos(ω) x[n]: asked at the peak of the first and of the last 500 frames.
    for (const [start, frequency] of [
      [1, from],
      [played.length - 501, to],
    ] as const) {
      const near = Array.from(played.subarray(start, start + 500), Math.abs)
      const peak = start + near.indexOf(Math.max(...near))
      const [before = 0, here = 1, after = 0] = played.subarray(peak - 1, peak + 2)
      const measured = (Math.acos((before + after) / (2 * here)) * RATE) / (2 * Math.PI)
      // In 500 frames a linear one of these goes 4 Hz, a logarithmic one 0.4 % of its frequency.
      t.true(Math.abs(measured - frequency) < 4.1 + 0.0045 * frequency, `${measured} Hz, not ${frequency}`)
    }
  }
  const [frames, rest] = [4800, { from: 20, to: 2000 }]
  same(
    t,
    render(chirp({ ...rest, frames })),
    render(chirp({ ...rest, seconds: 0.1, method: 'linear', amplitude: 0.5 })),
  )
})

/** Every so-manieth value of an array from `first` on. */
function channel(data: SampleArray, first: number, channels: number): number[] {
  return Array.from({ length: data.length / channels }, (_, frame) => data[frame * channels + first] ?? 0)
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const power = (values: readonly number[]): number => mean(values.map((value) => value * value))

test('noise is the same for the same seed, and another on each channel and for each seed', (t) => {
  for (const color of ['white', 'pink'] as const) {
    const stereo = { channels: 2 }
    const signal = noise({ color, seed: 7, frames: 20_000 })
    const played = render(signal, stereo)
    same(t, render(signal, stereo), played, 'again')
    same(t, render(noise({ color, seed: 7, frames: 20_000 }), stereo), played, 'made anew')
    same(t, Float32Array.from(channel(played, 0, 2)), render(signal), 'more channels')
    const channels = [channel(played, 0, 2), channel(played, 1, 2)]
    const others = [0, 1, 8, 2 ** 32 - 1].map((seed) => Array.from(render(noise({ color, seed, frames: 20_000 }))))
    const all = [...channels, ...others]
    for (const [index, one] of all.entries()) {
      for (const other of all.slice(index + 1)) {
        const correlation =
          mean(one.map((value, frame) => value * (other[frame] ?? 0))) / Math.sqrt(power(one) * power(other))
        // Of white noise it is 1 / √20000 = 0.007 by chance; pink noise has the fewer independent frames.
        t.true(Math.abs(correlation) < (color === 'white' ? 0.035 : 0.3), `${color} ${correlation}`)
      }
    }
  }
  same(t, render(noise({ frames: 9 })), render(noise({ color: 'white', seed: 1, amplitude: 0.5, frames: 9 })))
})

test('noise begins as it goes on, whatever the seed', (t) => {
  const seeds = Array.from({ length: 2000 }, (_, seed) => seed)
  const begins = seeds.map((seed) => render(noise({ seed, amplitude: 1, frames: 1 }), { channels: 2 }))
  for (const side of [0, 1]) {
    const values = begins.map((frame) => frame[side] ?? 0)
    // Five standard deviations of a uniform value's mean, and of the correlation of neighbours.
    t.true(Math.abs(mean(values)) < 5 / Math.sqrt(3 * 2000), `${mean(values)}`)
    const next = mean(values.slice(1).map((value, seed) => value * (values[seed] ?? 0))) * 3
    t.true(Math.abs(next) < 5 / Math.sqrt(2000), `${next}`)
  }
})

test('white noise is uniform: mean, variance, and share of every sixteenth of its range', (t) => {
  const [amplitude, frames] = [0.8, 100_000]
  const values = [...render(noise({ amplitude, frames }))]
  t.true(values.every((value) => Math.abs(value) <= Math.fround(amplitude)))
  // Five standard deviations each, for variance a²/3, fourth moment a⁴/5, and counts of 1/16.
  t.true(Math.abs(mean(values)) < 5 * amplitude * Math.sqrt(1 / 3 / frames))
  t.true(Math.abs(power(values) - amplitude ** 2 / 3) < 5 * amplitude ** 2 * Math.sqrt((1 / 5 - 1 / 9) / frames))
  const counts = Array.from({ length: 16 }, () => 0)
  for (const value of values) {
    const bin = Math.min(15, Math.floor((value / amplitude + 1) * 8))
    counts[bin] = (counts[bin] ?? 0) + 1
  }
  for (const count of counts)
    t.true(Math.abs(count - frames / 16) < 5 * Math.sqrt((frames / 16) * (15 / 16)), `${count}`)
  // White is flat also from frame to frame.
  const next = mean(values.slice(1).map((value, frame) => value * (values[frame] ?? 0))) / power(values)
  t.true(Math.abs(next) < 5 / Math.sqrt(frames))
})

/** Power of each octave from bin 4 on, of bin `k` to 2 `k`, over windowed segments of 1024 frames. */
function octaves(values: readonly number[]): number[] {
  const size = 1024
  const turn = Array.from({ length: size }, (_, index) => (2 * Math.PI * index) / size)
  const [cosine, sine] = [turn.map(Math.cos), turn.map(Math.sin)]
  const window = cosine.map((value) => (1 - value) / 2)
  const bands = [4, 8, 16, 32, 64, 128, 256].map(() => 0)
  for (let start = 0; start + size <= values.length; start += size) {
    const segment = window.map((weight, index) => weight * (values[start + index] ?? 0))
    for (let bin = 4; bin < size / 2; bin++) {
      let [re, im] = [0, 0]
      for (let index = 0; index < size; index++) {
        const at = (bin * index) % size
        re += (segment[index] ?? 0) * (cosine[at] ?? 0)
        im += (segment[index] ?? 0) * (sine[at] ?? 0)
      }
      const band = Math.floor(Math.log2(bin)) - 2
      bands[band] = (bands[band] ?? 0) + re * re + im * im
    }
  }
  return bands.map((sum, band) => sum / 2 ** (band + 2))
}

test('pink noise falls by 3 dB an octave, white by none', (t) => {
  for (const [color, slope] of [
    ['pink', -10 * Math.log10(2)],
    ['white', 0],
  ] as const) {
    const density = octaves([...render(noise({ color, frames: 2 ** 16 }))]).map((each) => 10 * Math.log10(each))
    const steps = density.slice(1).map((each, band) => each - (density[band] ?? 0))
    // The lowest octave is of 4 bins in 64 segments, known to 10 log10(1 + 1.2 / √256) = 0.3 dB; three of these.
    for (const step of steps) t.true(Math.abs(step - slope) < 1, `${color}: ${step} dB`)
    // Over all six the same error counts but once.
    t.true(Math.abs(mean(steps) - slope) < 0.15, `${color}: ${mean(steps)} dB an octave`)
  }
})

test('the RMS of pink noise is a quarter of its amplitude', (t) => {
  const values = [...render(noise({ color: 'pink', amplitude: 0.8, frames: 2 ** 18 }))]
  // Its slowest part has some 300 independent values here, and a tenth of the power.
  t.true(Math.abs(Math.sqrt(power(values)) - 0.2) < 0.01, `${Math.sqrt(power(values))}`)
  t.true(values.filter((value) => Math.abs(value) > 0.8).length < 60)
})

test('impulses are where they are said to be', (t) => {
  const hits = (signal: Part, settings?: Partial<Settings>): number[] =>
    [...render(signal, settings).entries()].filter(([, value]) => value !== 0).map(([index]) => index)
  t.deepEqual(hits(impulse({ frames: 5000 })), [0])
  t.deepEqual(hits(impulse({ frames: 5000, period: { frames: 1500 } })), [0, 1500, 3000, 4500])
  t.deepEqual(hits(impulse({ frames: 4, period: { frames: 1 } })), [0, 1, 2, 3])
  t.deepEqual(hits(impulse({ frames: 3, period: { frames: 2 } }), { channels: 2 }), [0, 1, 4, 5])
  // A third of a second at 44.1 kHz is 14700 frames, at 44 kHz 14666⅔: no drift.
  t.deepEqual(
    hits(impulse({ seconds: 1.1, period: { seconds: 1 / 3 } }), { sampleRate: 44_000 }),
    [0, 14_667, 29_333, 44_000],
  )
  t.deepEqual([...render(impulse({ frames: 2 }), { format: 'int16' })], [32_767, 0])
  t.deepEqual([...render(impulse({ frames: 2, amplitude: 0.25 }), { format: 'uint8' })], [160, 128])
  const again = impulse({ frames: 5, period: { frames: 2 } })
  same(t, render(again), render(again))
})

test('silence is what each format is silent with', (t) => {
  for (const format of FORMATS) {
    same(t, render(generators.silence({ frames: 3000 }), { format, channels: 2 }), silence(format, 6000), format)
  }
})

test('a length is in frames, or in seconds to the nearest frame, or there is none', (t) => {
  const lengths = [0, 1, 1023, 1024, 1025, 2048]
  for (const frames of lengths) t.is(render(sine({ frequency: 1, frames })).length, frames)
  for (const [seconds, frames] of [
    [0, 0],
    [0.01, 441],
    [0.000_011, 0],
    [0.000_012, 1],
    [0.1, 4410],
  ] as const) {
    for (const signal of [generators.silence({ seconds }), take(sine(1), { seconds })]) {
      t.is(render(signal, { sampleRate: 44_100 }).length, frames, `${seconds} s`)
    }
  }
  for (const signal of [sine(1), noise(), impulse(), generators.silence()]) {
    const chunks = signal(mono)
    let frames = 0
    for (let step = 0; step < 100; step++) frames += (chunks.next().value ?? []).length
    t.is(frames, 102_400)
  }
})

test('take cuts at the frame, takes no step too many, and closes what it cuts', (t) => {
  const settings = { channels: 2, format: 'int16' } as const
  for (const frames of [0, 1, 4, 5, 6, 10, 23]) {
    let [steps, closed] = [0, 0]
    const part = function* (): Generator<Int16Array, void, undefined> {
      try {
        yield* gives(t, () => steps++)
      } finally {
        closed++
      }
    }
    const signal = take(part, { frames })
    const expected = Int16Array.from({ length: 2 * frames }, (_, index) => index)
    same(t, render(signal, settings), expected, `${frames} frames`)
    t.deepEqual([steps, closed], [Math.ceil(frames / 5), frames === 0 ? 0 : 1])
    same(t, render(signal, settings), expected, 'again')
  }
  const short = take(sine({ frequency: 5, frames: 1500 }), { frames: 4000 })
  same(t, render(short), render(sine({ frequency: 5, frames: 1500 })))
  for (const format of FORMATS) {
    const whole = bytes(render(noise({ frames: 3000 }), { format, channels: 3 }))
    const first = render(take(noise(), { frames: 1111 }), { format, channels: 3 })
    same(t, first, whole.subarray(0, (whole.length / 3000) * 1111), format)
  }
})

test('take and concat start parts of any iterable', (t) => {
  const arrays: Part = () => [Float32Array.of(1, 2, 3), Float32Array.of(4), Float32Array.of()]
  const both = generators.concat(arrays, take(arrays, { frames: 2 }), sine({ frequency: 9, frames: 2000 }), arrays)
  const tone = render(sine({ frequency: 9, frames: 2000 })) as Float32Array
  const expected = [1, 2, 3, 4, 1, 2, ...tone, 1, 2, 3, 4]
  same(t, render(both), Float32Array.from(expected))
  same(t, render(both), Float32Array.from(expected), 'again')
  t.deepEqual(
    Array.from(both(mono), (chunk) => chunk.length),
    [3, 1, 0, 2, 1024, 976, 3, 1, 0],
  )
  t.is(render(generators.concat()).length, 0)
})

test('concat steps into a part when the one before is over, and closes the one it is in', (t) => {
  const told: string[] = []
  const part = (name: string): Part =>
    function* () {
      told.push(`${name} starts`)
      try {
        yield Float32Array.of(1)
        yield Float32Array.of(2)
      } finally {
        told.push(`${name} ends`)
      }
    }
  const chunks = generators.concat(part('a'), part('b'), part('c'))(mono)
  t.deepEqual(told, [])
  for (let step = 0; step < 3; step++) chunks.next()
  t.deepEqual(told, ['a starts', 'a ends', 'b starts'])
  chunks.return()
  t.deepEqual(told, ['a starts', 'a ends', 'b starts', 'b ends'])
})

test.serial('nothing is computed before it is asked for', (t) => {
  const { sin } = Math
  let calls = 0
  Math.sin = (value) => {
    calls++
    return sin(value)
  }
  t.teardown(() => {
    Math.sin = sin
  })
  const endless = [sine(440), chirp({ from: 1, to: 2, seconds: 1e9 })]
  for (const signal of [...endless, take(sine(440), { seconds: 1e9 }), generators.concat(...endless)]) {
    calls = 0
    const chunks = signal({ ...mono, channels: 8 })
    t.is(calls, 0)
    for (const step of [1, 2, 3]) {
      const length = chunks.next().value?.length ?? 0
      t.is(length, 8 * 1024)
      // Once a frame, however many channels repeat it.
      t.is(calls, step * 1024)
    }
  }
})

test('a chunk is of the format’s array, and its memory is used again', (t) => {
  const types = [Float32Array, Int32Array, Uint8Array, Int16Array, Int8Array, Uint8Array]
  for (const [index, format] of FORMATS.entries()) {
    const chunks = noise()({ ...mono, format })
    const [first, second] = [chunks.next().value, chunks.next().value]
    t.is<unknown, unknown>(first?.constructor, types[index])
    t.is(first?.buffer, second?.buffer)
  }
})

test('a stream fits, and of a pair the first counts', async (t) => {
  const stream = await duplex(t, { channels: [3, 2], format: ['int16', 'float32'] })
  t.deepEqual(stream.channels, [3, 2])
  const plain = { channels: 3, format: 'int16' } as const
  for (const signal of [sine({ frequency: 440, frames: 2000 }), take(noise(), { frames: 2000 })]) {
    same(t, render(signal, { channels: stream.channels, format: stream.format }), render(signal, plain))
    const [chunk] = signal(stream)
    t.true(chunk instanceof Int16Array)
    t.is(chunk?.length, 3 * 1024)
  }
})

test('what no signal can be is refused, with what to give', async (t) => {
  const refused = (work: () => unknown, message: RegExp) => fails(t, work, 'ERR_PASTREAM_INVALID_ARGUMENT', message)
  const any = generators as unknown as Record<string, (...values: unknown[]) => generators.Signal>
  const sweep = { from: 20, to: 200, seconds: 1 }
  const table: [name: string, values: unknown[], message: RegExp][] = [
    ['sine', [], /frequency is undefined: give Hz/],
    ['sine', [{ frequency: '440' }], /frequency is 440: give Hz/],
    ['sine', [{ frequency: 440, frequenzy: 1 }], /no option `frequenzy`/],
    ['sine', [{ frequency: 440, phase: Number.NaN }], /phase is NaN: give radians/],
    ['sine', [{ frequency: 440, frames: 1, seconds: 1 }], /`frames` and `seconds`: give one/],
    ['chirp', [{ ...sweep, seconds: undefined }], /how long: give `frames` or `seconds`/],
    ['chirp', [{ ...sweep, method: 'square' }], /method is square: give one of linear, logarithmic/],
    ['chirp', [{ ...sweep, method: 'logarithmic', from: 0 }], /from is 0: give Hz above 0/],
    ['chirp', [{ ...sweep, method: 'logarithmic', to: 0 }], /to is 0: give Hz above 0/],
    ['noise', [{ color: 'brown' }], /color is brown: give one of white, pink/],
    ['impulse', [{ period: { frames: 0.5 } }], /frames is 0.5: give a whole number/],
    ['impulse', [{ period: { frames: 1, seconds: 1 } }], /give one/],
    ['impulse', [{ period: { hours: 1 } }], /no option `hours`/],
    ['take', [sine(1)], /how long: give `frames` or `seconds`/],
    ['take', [sine(1), {}], /how long: give `frames` or `seconds`/],
    ['take', [sine(1), { frames: 1, second: 1 }], /no option `second`/],
    ['take', [[], { frames: 1 }], /a signal is a function/],
    ['concat', [sine(1), 440], /a signal is a function/],
    ...[-1, Number.NaN, Infinity].flatMap((bad): [string, unknown[], RegExp][] => [
      ['sine', [bad], /frequency is (-1|NaN|Infinity): give Hz, 0 or more/],
      ['chirp', [{ ...sweep, from: bad }], /from is .*: give Hz/],
      ['chirp', [{ ...sweep, to: bad }], /to is .*: give Hz/],
      ['chirp', [{ ...sweep, amplitude: bad }], /amplitude is .*: give 0 or more/],
      ['sine', [{ frequency: 1, amplitude: bad }], /amplitude is .*: give 0 or more/],
      ['noise', [{ amplitude: bad }], /amplitude is .*: give 0 or more/],
      ['noise', [{ seed: bad }], /seed is .*: give a whole number/],
      ['impulse', [{ amplitude: bad }], /amplitude is .*: give 0 or more/],
      ['silence', [{ seconds: bad }], /seconds is .*: give seconds, 0 or more/],
    ]),
    ...[-1, 0.5, Number.NaN, Infinity].flatMap((frames): [string, unknown[], RegExp][] => [
      ['silence', [{ frames }], /frames is .*: give a whole number, 0 or more/],
      ['take', [sine(1), { frames }], /frames is .*: give a whole number, 0 or more/],
    ]),
    ...['chirp', 'noise', 'impulse', 'silence'].map((name): [string, unknown[], RegExp] => [
      name,
      [{ ...(name === 'chirp' ? sweep : { frames: 1 }), speed: 1 }],
      /no option `speed`/,
    ]),
  ]
  for (const [name, values, message] of table) await refused(() => any[name]?.(...values), message)
})

test('what does not fit the stream is refused before its first frame', async (t) => {
  const refused = (signal: Part, message: RegExp, settings?: Partial<Settings>) =>
    fails(t, () => signal({ ...mono, ...settings }), 'ERR_PASTREAM_INVALID_ARGUMENT', message)
  const high = sine(24_001)
  for (const signal of [high, take(high, { frames: 1 }), generators.concat(sine({ frequency: 1, seconds: 9 }), high)]) {
    await refused(signal, /24001 Hz: give at most half the stream’s rate, 24000 Hz/)
    t.notThrows(() => signal({ ...mono, sampleRate: 96_000 }))
  }
  t.notThrows(() => sine(24_000)(mono))
  await refused(chirp({ from: 1, to: 30_000, seconds: 1 }), /to is 30000 Hz/)
  await refused(chirp({ from: 30_000, to: 1, seconds: 1 }), /from is 30000 Hz/)
  await refused(impulse({ period: { seconds: 1e-5 } }), /0\.48.* frames: give at least 1/)
  await refused(impulse({ period: { frames: 0 } }), /0 frames: give at least 1/)
  await refused(sine(1), /sampleRate is NaN/, { sampleRate: Number.NaN })
  await refused(take(sine(1), { frames: 1 }), /channels is 0/, { channels: 0 })
})

test('take refuses chunks that are not of the stream', async (t) => {
  const refused = (chunk: SampleArray, message: RegExp) =>
    fails(
      t,
      () =>
        render(
          take(() => [chunk], { frames: 9 }),
          { channels: 2 },
        ),
      'ERR_PASTREAM_INVALID_ARGUMENT',
      message,
    )
  await refused(Float32Array.of(1, 2, 3), /12 bytes: give whole frames of 8 bytes/)
  await refused(Int16Array.of(1, 2, 3, 4), /Float32Array or bytes, not Int16Array/)
})
