import { version } from '../ts/index.ts'
import { isBrokenPipe, UsageError, XrunError } from './error.ts'
import { help } from './help.ts'
import { list } from './list.ts'
import { parse } from './parse.ts'
import { run } from './run.ts'

/** The exit statuses other than 0, and 128+n at a second signal. */
const FAILED = 1
const USAGE = 2
const XRUNS = 3

async function main(argv: readonly string[]): Promise<void> {
  const command = parse(argv)
  const { help: wantsHelp, version: wantsVersion, list: wantsList } = command.options
  if (wantsHelp) process.stdout.write(help())
  else if (wantsVersion) process.stdout.write(`pastream-rs ${version}\n`)
  else if (wantsList) process.stdout.write(list(command.options))
  else if (command.options.json) throw new UsageError('--json: only with --list')
  else await run(command)
}

function fail(error: unknown): void {
  if (isBrokenPipe(error)) return
  const usage = error instanceof UsageError
  process.exitCode = usage ? USAGE : error instanceof XrunError ? XRUNS : FAILED
  const message = error instanceof Error ? error.message : String(error)
  const line = message.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim() || 'failed'
  process.stderr.write(`pastream-rs: ${line}${usage ? '; try pastream-rs -h' : ''}\n`)
}

process.stdout.on('error', fail)
process.stderr.on('error', () => {}) // nobody is left to tell
process.on('uncaughtException', fail)

try {
  await main(process.argv.slice(2))
} catch (error) {
  fail(error)
}
