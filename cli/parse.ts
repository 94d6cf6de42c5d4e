import { existsSync, readFileSync } from 'node:fs'
import { UsageError } from './error.ts'
import { flags, type Flag, type Options } from './flags.ts'
import { isNone, type Kind } from './values.ts'
import { nearest, words } from './words.ts'

/** Files of arguments that name one another, at most. */
const MOST_NESTED = 16

export interface Command {
  readonly options: Options
  /** Undefined: none. */
  readonly input: string | undefined
  readonly output: string | undefined
  /** As they were given. */
  readonly files: readonly string[]
}

type Entry = readonly [key: string, flag: Flag]

const byName: ReadonlyMap<string, Entry> = new Map(
  Object.entries<Flag>(flags).flatMap(([key, flag]) => flag.names.map((name) => [name, [key, flag]] as const)),
)

/** The option of that name, which is all of `argument` or its beginning. */
function find(name: string, argument: string): Entry {
  const entry = byName.get(name.startsWith('--') ? name.replaceAll('_', '-') : name)
  if (entry) return entry
  const meant = name.startsWith('--') ? nearest(name.replaceAll('_', '-'), [...byName.keys()]) : []
  const hint = meant.length > 0 ? `: did you mean ${meant.join(' or ')}?` : ''
  const file = existsSync(argument) ? `; an input of that name is ./${argument}` : ''
  throw new UsageError(`${name}: no such option${hint}${file}`)
}

function read<T>(name: string, kind: Kind<T>, text: string): T {
  const result = kind.parse(text)
  if (!result) throw new UsageError(`${name} '${text}': ${kind.allowed}`)
  return result.value
}

/** An option as it was written: its name, and the value attached to it, if any. */
function split(argument: string): [name: string, attached: string | undefined] {
  if (argument.startsWith('--')) {
    const equals = argument.indexOf('=')
    return equals < 0 ? [argument, undefined] : [argument.slice(0, equals), argument.slice(equals + 1)]
  }
  const rest = argument.slice(2)
  return [argument.slice(0, 2), rest === '' ? undefined : rest.replace(/^=/, '')]
}

/** Puts the arguments that a file holds in the place of `@file`, up to `--`. */
function expanded(argv: readonly string[], depth = 0): string[] {
  const end = argv.indexOf('--')
  const [open, rest] = end < 0 ? [argv, []] : [argv.slice(0, end), argv.slice(end)]
  const read = (argument: string): string[] => {
    if (argument.length < 2 || !argument.startsWith('@')) return [argument]
    const name = argument.slice(1)
    if (depth === MOST_NESTED) throw new UsageError(`${argument}: files of arguments name one another without end`)
    let text: string
    try {
      text = readFileSync(name, 'utf8')
    } catch (error) {
      const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
      throw new UsageError(
        `${argument}: the file of arguments can't be read (${reason}); an input of that name is ./${argument}`,
      )
    }
    const found = words(text)
    if (!found) throw new UsageError(`${argument}: a quote in it is not closed`)
    return expanded(found, depth + 1)
  }
  return [...open.flatMap(read), ...rest]
}

/** Reads the arguments after the command's name. Options and files come in any order; `--` ends the options. */
export function parse(argv: readonly string[]): Command {
  const queue = expanded(argv)
  const options: Record<string, unknown> = {}
  const files: string[] = []

  const option = (argument: string): void => {
    const [name, attached] = split(argument)
    const [key, flag] = find(name, argument)
    const required = (value: string): string => {
      const text = attached ?? queue.shift()
      if (text === undefined) throw new UsageError(`${name}: needs a value, ${value}`)
      return text
    }
    switch (flag.arity) {
      case 'none':
        options[key] = true
        if (attached === undefined) return
        if (name.startsWith('--') || argument[2] === '=') throw new UsageError(`${name} '${attached}': takes no value`)
        option(`-${attached}`)
        return
      case 'one':
        options[key] = read(name, flag.kind, required(flag.value))
        return
      case 'many':
        options[key] = [...((options[key] ?? []) as unknown[]), read(name, flag.kind, required(flag.value))]
        return
      case 'optional': {
        const next = queue[0]
        const text = attached ?? (next !== undefined && flag.kind.parse(next) ? queue.shift() : undefined)
        options[key] = text === undefined ? flag.alone : read(name, flag.kind, text)
        return
      }
      case 'twice': {
        const given = (options[key] ??= []) as unknown[]
        given.push(read(name, flag.kind, required(flag.value)))
        const next = queue[0]
        if (given.length === 1 && next !== undefined && flag.follows(next)) {
          given.push(read(name, flag.kind, next))
          queue.shift()
        }
        if (given.length > 2) throw new UsageError(`${name}: given more than twice; one for each side is allowed`)
      }
    }
  }

  for (let argument = queue.shift(); argument !== undefined; argument = queue.shift()) {
    if (argument === '--') files.push(...queue.splice(0))
    else if (argument.length > 1 && argument.startsWith('-')) option(argument)
    else files.push(argument)
  }

  const [input, output, extra] = files.map((file) => (isNone(file) ? undefined : file))
  if (files.length > 2 && !options.repair)
    throw new UsageError(`'${extra ?? ''}': at most two files are allowed, input and output`)
  // The table gives each key the type that its flag's kind reads.
  return { options: options as Options, input, output, files }
}
