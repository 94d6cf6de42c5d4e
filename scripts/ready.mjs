// What CI runs.
import { run, setup } from './setup.mjs'

setup()
for (const script of ['lint', 'loom', 'test']) run('npm', ['run', '--silent', script])
