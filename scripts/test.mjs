// Sets everything up and runs all tests: those of the crates, then those of the package.
import { run, setup } from './setup.mjs'

setup()
run('cargo', ['test', '--workspace', '--locked', '--quiet'])
// Sound servers keep time: their tests run alone.
run('npx', ['ava', '__test__/**', '!__test__/hosts/**'])
run('npx', ['ava', '--concurrency', '1', '__test__/hosts/**'])
