// Format, lints and types of both languages; any warning fails.
import { run } from './setup.mjs'

run('cargo', ['fmt', '--all', '--check'])
run('cargo', ['clippy', '--workspace', '--all-targets', '--locked', '--', '-D', 'warnings'])
run('npx', ['oxfmt', '--check', 'ts', 'cli', 'scripts', '__test__', 'bench', 'examples'])
run('npx', ['oxlint', '--deny-warnings', 'ts', 'cli', 'scripts', '__test__', 'bench', 'examples'])
run('npx', ['tsc'])
