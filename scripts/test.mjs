// Sets everything up and runs all tests: those of the crates, then those of the package.
import { run, setup } from './setup.mjs'

setup()
run('cargo', ['test', '--workspace', '--locked', '--quiet'])
run('npx', ['ava'])
