// The first module that runs: USR1 may come at any time.
import { outliveTerminal } from './signal.ts'
import { readFileSync } from 'node:fs'
import { isBrokenPipe, UsageError, XrunError } from './error.ts'
import { parse } from './parse.ts'

/** The exit statuses other than 0, and 128+n at a second signal. */
const FAILED = 1
const USAGE = 2
const XRUNS = 3

/** Whether what goes wrong is told as an event. */
let json = false

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** What is printed in place of playing and recording. Each loads only what it needs. */
async function main(argv: readonly string[]): Promise<void> {
  const command = parse(argv)
  const { usage, help, version: wantsVersion, completions, list, repair } = command.options
  if (usage) process.stdout.write((await import('./help.ts')).usage())
  else if (help) process.stdout.write((await import('./help.ts')).help())
  else if (wantsVersion) process.stdout.write(`pastream-rs ${version()}\n`)
  else if (completions) process.stdout.write((await import('./completions.ts')).completions(completions))
  else if (list) process.stdout.write((await import('./list.ts')).list(command.options))
  else if (repair) process.exitCode = await (await import('./repair.ts')).repairAll(command)
  else {
    json = command.options.json ?? false
    await (await import('./run.ts')).run(command)
  }
}

function fail(error: unknown): void {
  const isUsage = error instanceof UsageError
  const status = isUsage ? USAGE : error instanceof XrunError ? XRUNS : FAILED
  process.exitCode = status
  const text = error instanceof Error ? error.message : String(error)
  const message = text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim() || 'failed'
  const code = error instanceof Error && 'code' in error ? { code: error.code } : {}
  process.stderr.write(
    json
      ? `${JSON.stringify({ event: 'error', status, ...code, message })}\n`
      : `pastream-rs: ${message}${isUsage ? '; try pastream-rs -h' : ''}\n`,
  )
}

outliveTerminal()
// Who reads a list or a help only in part has had enough.
process.stdout.on('error', (error) => isBrokenPipe(error) || fail(error))
process.stderr.on('error', () => {}) // nobody is left to tell
process.on('uncaughtException', fail)
main(process.argv.slice(2)).catch(fail)
