import { exec as execute } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import anyTest, { type TestFn } from 'ava'
import * as library from 'pastream-rs'

/** Every test looks at one folder, into which a user has installed what would be published. */
const test = anyTest.serial as TestFn<{ folder: string; packed: string[] }>
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const node = JSON.stringify(process.execPath)

/** Runs a command line of any platform's shell; fails unless it exits with status 0. */
async function shell(command: string, cwd: string, env = process.env): Promise<string> {
  try {
    return (await promisify(execute)(command, { cwd, env })).stdout
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string }
    throw new Error(`${command}\n${stdout}${stderr}`, { cause: error })
  }
}

async function json(path: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
}

test.before('pack the package and install it where there is nothing else', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'pastream-'))
  t.context = { folder, packed: [] }
  // Neither the user's settings, nor those that the npm around this test hands down, nor what is cached.
  const mine = Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith('npm_'))
  const env = {
    ...Object.fromEntries(mine),
    npm_config_userconfig: join(folder, 'none'),
    npm_config_cache: join(folder, 'cache'),
    npm_config_update_notifier: 'false',
  }
  await shell(`npm pack --ignore-scripts --pack-destination ${JSON.stringify(folder)}`, root, env)
  const tarball = `pastream-rs-${library.version}.tgz`
  await writeFile(join(folder, 'package.json'), '{}')
  await shell(`npm install --offline --ignore-scripts --no-audit --no-fund ./${tarball}`, folder, env)
  const installed = join(folder, 'node_modules', 'pastream-rs')
  const entries = await readdir(installed, { recursive: true, withFileTypes: true })
  t.context.packed = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(installed.length + 1)
        .replaceAll('\\', '/'),
    )
})

test.after.always('remove the folder', async (t) => {
  await rm(t.context.folder, { recursive: true, force: true })
})

test('what is published is the bundles, the addon, the types, the man page and the papers', async (t) => {
  const modules = (await readdir(join(root, 'ts'), { recursive: true })).filter(
    (name) => name.endsWith('.ts') && !name.startsWith('binding'),
  )
  const types = ['binding/binding.d.ts', ...modules.map((name) => name.replace(/ts$/, 'd.ts'))]
  const papers = ['CHANGELOG.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json']
  const bundles = ['index.cjs', 'index.js', 'worker.cjs', 'cli.js', 'binding/binding.cjs']
  const expected = [
    ...papers,
    ...bundles.map((name) => `dist/${name}`),
    ...types.map((name) => `dist/types/${name}`),
    ...types.map((name) => `dist/types-cjs/${name}`),
    'dist/types-cjs/package.json',
    'dist/pastream-rs.1',
  ]
  const addons = t.context.packed.filter((name) => /^dist\/binding\/pastream-rs\.[\w-]+\.node$/.test(name))
  t.is(addons.length, 1)
  t.deepEqual(t.context.packed.toSorted(), [...expected, ...addons].toSorted())
})

interface Told {
  imported: string[]
  same: string[]
  take: number[]
}

test('import and require give the same library, which works', async (t) => {
  await writeFile(
    join(t.context.folder, 'both.mjs'),
    `import { createRequire } from 'node:module'
    import { DuplexStream } from 'pastream-rs'
    import * as imported from 'pastream-rs'
    const required = createRequire(import.meta.url)('pastream-rs')
    const stream = await DuplexStream.open({ device: 'virtual:clock=free', channels: 1, format: 'int16' })
    const take = await stream.playrec(Int16Array.of(1, -2, 3))
    await stream.close()
    const same = Object.keys(required).filter((name) => imported[name] === required[name])
    console.log(JSON.stringify({ imported: Object.keys(imported), same, take: [...take] }))`,
  )
  const names = Object.keys(library).toSorted()
  t.true(names.includes('PastreamError'))
  const told = JSON.parse(await shell(`${node} both.mjs`, t.context.folder)) as Told
  t.deepEqual(told.imported.toSorted(), names)
  t.deepEqual(told.same.toSorted(), names)
  t.deepEqual(told.take, [1, -2, 3])
})

const program = `
const options: pastream.StreamOptions = { device: 'virtual', channels: [1, 2], format: 'int16' }
export const take: Promise<Int16Array> = pastream.InputStream.open(options).then((stream) => stream.record({ out: new Int16Array(4) }))
export const code: pastream.ErrorCode = new pastream.PastreamError('ERR_PASTREAM_IO', 'no').code
export const ring: number = new pastream.RingBuffer(4, 16).readAvailable
export const block: Promise<Int16Array> = pastream.SoundFile.open('a.wav', { format: 'int16' }).then((file) => file.read())
export const any: Promise<pastream.SampleArray> = pastream.SoundFile.open('a.wav').then((file) => file.read())
export const data: Promise<Float32Array> = pastream.decode('a.wav').then((decoded) => decoded.data)
export const out: Promise<pastream.SoundFile<'float32'>> = pastream.SoundFile.open('a.wav', { mode: 'w', sampleRate: 8000, channels: 1 })
export const source: Promise<pastream.Source> = pastream.SoundFile.open('a.wav', { format: 'int24' })
async function inferred() {
  const plain: Float32Array = await (await pastream.InputStream.open()).record({ frames: 1 })
  const stream = await pastream.DuplexStream.open({ format: ['int16', 'int8'], channels: 2 })
  const both: Int8Array = await stream.playrec(new Int16Array(2), { signal: AbortSignal.timeout(1) })
  for await (const chunk of stream.chunks({ size: 4 })) { const samples: Int8Array = chunk }
  for await (const [left] of stream.chunks({ size: 4, planar: true })) { const samples: Int8Array | undefined = left }
  const short: Int32Array = await pastream.record({ format: 'int32', frames: 3 })
  const unknown: pastream.SampleArray = await pastream.playrec('a.wav')
  await stream.setSource(function* (view: pastream.StreamView) { yield new Int16Array(view.sampleRate) })
  await stream.setSource(async (view: pastream.StreamView, ring: pastream.RingBuffer<'int16'>) => { const [, part] = ring.getWriteBuffers(); part.fill(1) })
  await stream.setSink([(_, ring) => void ring.read(), 'a.wav', pastream.thread(new URL('file:///a.js'))])
  const view: Float32Array = new pastream.RingBuffer(4, 2, 'float32').read()
  const bytes: Uint8Array = new pastream.RingBuffer(4, 2).read()
  stream.on('gap', ({ length, cause }) => { const frames: number = length; const why: 'starved' | 'full' | 'xrun' = cause })
  for await (const event of stream.events()) if (event.type === 'finished') { const how: pastream.Outcome = event.outcome }
  // @ts-expect-error an Int8Array is no Int16Array
  const wrong: Int16Array = await stream.record({ frames: 1 })
  // @ts-expect-error there is no such event
  stream.on('stalled', () => {})
  // @ts-expect-error an output does not record
  await (await pastream.OutputStream.open()).record({ frames: 1 })
}
// @ts-expect-error a file that is written needs its rate and channels
export const unsaid = pastream.SoundFile.open('a.wav', { mode: 'w' })
// @ts-expect-error int16 is no Float32Array
export const floats: Promise<Float32Array> = pastream.decode('a.wav', { format: 'int16' }).then((decoded) => decoded.data)
// @ts-expect-error the types are there, and not any
export const wrong: pastream.StreamOptions = { format: 'int17' }
`

test('the types hold for import and for require', async (t) => {
  const { folder } = t.context
  await writeFile(join(folder, 'program.mts'), `import * as pastream from 'pastream-rs'\n${program}`)
  await writeFile(join(folder, 'program.cts'), `import pastream = require('pastream-rs')\n${program}`)
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2022',
        strict: true,
        skipLibCheck: false,
        noEmit: true,
        typeRoots: [join(root, 'node_modules/@types')],
        types: ['node'],
      },
      files: ['program.mts', 'program.cts'],
    }),
  )
  const listed = await shell(
    `${node} ${JSON.stringify(join(root, 'node_modules/typescript/bin/tsc'))} --listFiles`,
    folder,
  )
  t.regex(listed, /pastream-rs\/dist\/types\/index\.d\.ts/)
  t.regex(listed, /pastream-rs\/dist\/types-cjs\/index\.d\.ts/)
})

test('the command runs from the package, and there is one version', async (t) => {
  const { folder } = t.context
  const { version } = await json(join(root, 'package.json'))
  t.is(await shell(`${join('node_modules', '.bin', 'pastream-rs')} --version`, folder), `pastream-rs ${version}\n`)
  t.is(library.version, version as string)
  t.is((await json(join(folder, 'node_modules/pastream-rs/package.json'))).version, version)
  const workspace = /^\[workspace\.package\]\nversion = "(.*)"$/m.exec(await readFile(join(root, 'Cargo.toml'), 'utf8'))
  t.is(workspace?.[1], version as string)
})
