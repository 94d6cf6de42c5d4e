import { version } from '../ts/index.ts'
import { help } from './help.ts'
import { list } from './list.ts'
import { parse, UsageError } from './parse.ts'
import { run } from './run.ts'

const FAILED = 1
const USAGE = 2

async function main(argv: readonly string[]): Promise<number> {
  const command = parse(argv)
  const { options } = command
  if (!options.help && !options.version && !options.list) return run(command)
  process.stdout.write(options.help ? help() : options.version ? `pastream-rs ${version}\n` : list())
  return 0
}

/** Whoever reads our output has had enough: no reason to complain. */
function isBrokenPipe(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === 'EPIPE') || isBrokenPipe(error.cause)
}

function fail(error: unknown): void {
  process.exitCode = error instanceof UsageError ? USAGE : FAILED
  if (isBrokenPipe(error)) return
  const message = error instanceof Error ? error.message : String(error)
  const line = message.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim() || 'failed'
  process.stderr.write(`pastream-rs: ${line}${error instanceof UsageError ? '; try pastream-rs -h' : ''}\n`)
}

process.stdout.on('error', (error) => {
  if (!isBrokenPipe(error)) fail(error)
})
process.stderr.on('error', () => {}) // nobody is left to tell
process.on('uncaughtException', fail)

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  fail(error)
}
