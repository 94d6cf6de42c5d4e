// What CI runs.
import { has, run, setup } from './setup.mjs'

setup()
run('npm', ['run', '--silent', 'lint'])
if (process.env.CI || has('cargo', 'deny')) {
  run('cargo', ['deny', '--locked', 'check', 'licenses', 'bans', 'sources'])
} else {
  process.stdout.write('• licences are not checked: `cargo install cargo-deny --locked` brings what does\n')
}
for (const script of ['loom', 'test', 'docs']) run('npm', ['run', '--silent', script])
