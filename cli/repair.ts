import { repair, type Repair } from '../ts/index.ts'
import { UsageError } from './error.ts'
import type { Command } from './parse.ts'

function told(file: string, { container, changed, frames, leftover }: Repair): string {
  const rest = leftover > 0 ? `, ${leftover} bytes behind the audio stay as they are` : ''
  return `${file}: ${changed ? 'repaired' : 'was true already'}: ${container}, ${frames} frames${rest}\n`
}

/** Makes the header of each file true, and tells what it did. Answers the exit status: 1 where a file could not be repaired. */
export async function repairAll({ files, options: { json, quiet } }: Command): Promise<number> {
  if (files.length === 0)
    throw new UsageError('--repair: no file: give the recordings whose headers are to be made true')
  let status = 0
  for (const file of files) {
    try {
      const done = await repair(file)
      if (json) process.stdout.write(`${JSON.stringify({ file, ...done })}\n`)
      else if (!quiet) process.stdout.write(told(file, done))
    } catch (error) {
      status = 1
      process.stderr.write(`pastream-rs: ${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
  return status
}
