// Makes API pages of the types, in docs/api/.
import { run, setup } from './setup.mjs'

setup()
run('npm', ['ci', '--prefix', 'scripts/docs', '--no-audit', '--no-fund', '--loglevel=error'])
run(process.execPath, [
  'scripts/docs/node_modules/typedoc/bin/typedoc',
  '--entryPoints',
  'ts/index.ts',
  '--tsconfig',
  'tsconfig.types.json',
  '--out',
  'docs/api',
  '--disableSources',
  '--excludeInternal',
  '--excludePrivate',
  '--treatWarningsAsErrors',
])
