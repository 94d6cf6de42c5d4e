import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { watch } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'

export const COMMAND = join(dirname(fileURLToPath(import.meta.url)), '../../dist/cli.js')
/** A device that runs as fast as it can and loses nothing. */
export const FREE = ['-D', 'virtual:clock=free']
export const RATE = 8000

export interface Result {
  readonly status: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** What has a program heed permissions, which root need not. */
export const HEEDING =
  process.getuid?.() === 0
    ? ['setpriv', ...['bounding-set', 'inh-caps'].map((set) => `--${set}=-dac_override,-dac_read_search`)]
    : []

/** The command while it runs. */
export class Running {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #out: Buffer[] = []
  readonly #closed: Promise<unknown>
  stderr = ''

  /** `by`: a program that runs the command, and its arguments. */
  constructor(t: ExecutionContext, cwd: string, args: readonly string[], by: readonly string[] = []) {
    const [program = '', ...all] = [...by, process.execPath, COMMAND, ...args]
    this.child = spawn(program, all, { cwd, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#closed = once(this.child, 'close')
    this.child.stdin.on('error', () => {}) // it may end before it has read all
    this.child.stdout.on('data', (data: Buffer) => this.#out.push(data))
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    t.teardown(() => this.child.kill('SIGKILL'))
  }

  /** Waits until it has told `text`. */
  async told(text: string): Promise<void> {
    while (!this.stderr.includes(text)) await once(this.child.stderr, 'data')
  }

  async ended(): Promise<Result> {
    await this.#closed
    return { status: this.child.exitCode, stdout: Buffer.concat(this.#out), stderr: this.stderr }
  }
}

/** Runs the command in `cwd`, with `input` for stdin. */
export function pastream(
  t: ExecutionContext,
  cwd: string,
  args: readonly string[],
  input?: Uint8Array,
): Promise<Result> {
  const running = new Running(t, cwd, args)
  running.child.stdin.end(input)
  return running.ended()
}

/** Waits until the file is that long; it has to go on growing. */
export async function grown(path: string, length: number): Promise<void> {
  const long = (): boolean => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= length
  if (long()) return
  for await (const _ of watch(dirname(path))) if (long()) return
}

/** A test that needs programs of others: skipped, and that said, where one is missing; failed where CI=true. */
export function needing(
  programs: readonly string[],
  title: string,
  implementation: (t: ExecutionContext) => Promise<void>,
): void {
  const missing = programs.filter((program) => spawnSync(program, ['--version']).error).join(', ')
  if (missing === '') test(title, implementation)
  else if (process.env['CI'] === 'true') test(title, (t) => t.fail(`${missing}: not installed`))
  else test.skip(`${title} (needs ${missing})`, implementation) // its title says what is missing
}

/** Runs another program; answers its stdout. */
export function tool(cwd: string, program: string, ...args: string[]): Buffer {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.toString()}`)
  return stdout
}

/** The samples of a file as sox reads them: little-endian, in the file's own encoding. */
export function asSox(cwd: string, ...file: string[]): Buffer {
  return tool(cwd, 'sox', ...file, '-t', 'raw', '-L', '-')
}

/** Frames × channels samples, none of them silent or like one of its neighbours. */
export function ramp(frames: number, channels = 2): Int16Array {
  return Int16Array.from({ length: frames * channels }, (_, index) => ((index * 7919) % 32_767) + 1)
}

/** A WAV file as the simplest of programs write it. */
export function wav(samples: Int16Array, channels = 2, rate = RATE): Buffer {
  const header = Buffer.alloc(44)
  header.write('RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0', 'latin1')
  header.writeUInt32LE(36 + samples.byteLength, 4)
  header.writeUInt16LE(channels, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(rate * channels * 2, 28)
  header.writeUInt16LE(channels * 2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(samples.byteLength, 40)
  return Buffer.concat([header, new Uint8Array(samples.buffer)])
}

export interface Wav {
  readonly tag: number
  readonly channels: number
  readonly rate: number
  readonly bits: number
  /** In the file's byte order. */
  readonly data: Buffer
}

/** Reads a WAV file of either byte order, of which every length must be true. */
export function readWav(path: string): Wav {
  const file = readFileSync(path)
  const big = file.toString('latin1', 0, 4) === 'RIFX'
  const u16 = (at: number): number => (big ? file.readUInt16BE(at) : file.readUInt16LE(at))
  const u32 = (at: number): number => (big ? file.readUInt32BE(at) : file.readUInt32LE(at))
  if (u32(4) !== file.length - 8) throw new Error(`${path}: its header says ${u32(4)} of ${file.length - 8} bytes`)
  let format = 0
  for (let at = 12; at < file.length; at += 8 + u32(at + 4) + (u32(at + 4) % 2)) {
    const id = file.toString('latin1', at, at + 4)
    if (id === 'fmt ') format = at + 8
    if (id !== 'data') continue
    const data = file.subarray(at + 8, at + 8 + u32(at + 4))
    const tag = u16(format) === 0xfffe ? u16(format + 24) : u16(format)
    return { tag, channels: u16(format + 2), rate: u32(format + 4), bits: u16(format + 14), data }
  }
  throw new Error(`${path}: no data`)
}

/** Little-endian 16-bit samples. */
export function int16(data: Uint8Array): number[] {
  return [...new Int16Array(Uint8Array.from(data).buffer)]
}
