// Bundles the library into one CommonJS file, its ESM wrapper, the command and the types, all of one copy; makes the
// man page, and docs/cli.md.
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { build } from 'esbuild'
import { run } from './setup.mjs'

const common = { bundle: true, platform: 'node', target: 'node20.19', logLevel: 'warning' }
// Required where it is first used: what only prints loads no addon.
const library = {
  name: 'library',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\/ts\/index\.ts$/ }, () => ({ path: 'pastream-rs', namespace: 'library' }))
    onLoad({ filter: /./, namespace: 'library' }, () => ({ contents: `module.exports = require('./index.cjs')` }))
  },
}

await rm('dist', { recursive: true, force: true })
await mkdir('dist/binding', { recursive: true })
await cp('ts/binding', 'dist/binding', { recursive: true, filter: (file) => !file.endsWith('.d.ts') })
await build({
  ...common,
  entryPoints: ['ts/index.ts'],
  outfile: 'dist/index.cjs',
  format: 'cjs',
  external: ['./binding/binding.cjs'],
})
// What a worker thread of a source or sink loads.
await writeFile('dist/worker.cjs', "require('./index.cjs')._work()\n")
await build({
  ...common,
  entryPoints: ['cli/main.ts'],
  outfile: 'dist/cli.js',
  format: 'esm',
  external: ['./index.cjs'],
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
  },
  plugins: [library],
})
const pages = await build({ ...common, entryPoints: ['cli/pages.ts'], format: 'esm', write: false })
const { manual, markdown } = await import(`data:text/javascript,${encodeURIComponent(pages.outputFiles[0].text)}`)
await writeFile('dist/pastream-rs.1', manual(JSON.parse(await readFile('package.json', 'utf8')).version))
await writeFile('docs/cli.md', markdown())
const names = Object.keys(createRequire(import.meta.url)('../dist/index.cjs')).filter((name) => !name.startsWith('_'))
// Not imported: to import CommonJS, Node compiles a scanner of exports, most of the command's own start-up.
const wrapper = [
  `import { createRequire } from 'node:module'`,
  `export const { ${names.join(', ')} } = createRequire(import.meta.url)('./index.cjs')`,
]
await writeFile('dist/index.js', `${wrapper.join('\n')}\n`)

// The same declarations for import and for require, which take them as those of a module of their own kind.
run('npx', ['tsc', '-p', 'tsconfig.types.json'])
await cp('ts/binding/binding.d.ts', 'dist/types/binding/binding.d.ts')
await cp('dist/types', 'dist/types-cjs', { recursive: true })
await writeFile('dist/types-cjs/package.json', '{ "type": "commonjs" }\n')
