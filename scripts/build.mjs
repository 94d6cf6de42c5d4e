// Bundles the library into one CommonJS file, its ESM wrapper and the command, all of one copy.
import { cp, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { build } from 'esbuild'

const common = { bundle: true, platform: 'node', target: 'node20.19', logLevel: 'warning' }

await build({ ...common, entryPoints: ['ts/index.ts'], outfile: 'dist/index.cjs', format: 'cjs', external: ['./binding/binding.cjs'] })
await mkdir('dist/binding', { recursive: true })
await cp('ts/binding', 'dist/binding', { recursive: true })
const names = Object.keys(createRequire(import.meta.url)('../dist/index.cjs'))
await writeFile('dist/index.js', `import library from './index.cjs'\nexport const { ${names.join(', ')} } = library\n`)
await build({
  ...common,
  entryPoints: ['cli/main.ts'],
  outfile: 'dist/cli.js',
  format: 'esm',
  banner: { js: '#!/usr/bin/env node' },
  plugins: [
    {
      name: 'library',
      setup: ({ onResolve }) => onResolve({ filter: /\/ts\/index\.ts$/ }, () => ({ path: './index.js', external: true })),
    },
  ],
})
