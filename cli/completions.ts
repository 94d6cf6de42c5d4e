import { flags, type Flag, type SHELLS } from './flags.ts'

type Shell = (typeof SHELLS)[number]

/** The ids of the devices that are there, in the words of any of the shells. */
const DEVICES = "pastream-rs --list 2>/dev/null | sed -n 's/^ *[0-9][0-9]*  \\([^ ]*\\) .*/\\1/p'"

function all(): Flag[] {
  return Object.values<Flag>(flags)
}

function completes(flag: Flag): readonly string[] | 'device' | undefined {
  return flag.arity === 'none' ? undefined : flag.kind.complete
}

/** What a flag is, in few words. */
function gist({ help }: Flag): string {
  return (help.split(/[:;(]/)[0] ?? '').trim().replaceAll("'", '')
}

function bash(): string {
  const cases = all().flatMap((flag) => {
    if (flag.arity === 'none' || flag.arity === 'optional') return []
    const complete = completes(flag)
    const words = complete === 'device' ? `words=$(${DEVICES})` : complete ? `words='${complete.join(' ')}'` : 'return'
    return [`    ${flag.names.join('|')}) ${words} ;;`]
  })
  return `# bash completion of pastream-rs: source <(pastream-rs --completions bash)
_pastream_rs() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} words
  COMPREPLY=()
  # bash takes = and : for words of their own.
  if [[ $before == = ]]; then before=\${COMP_WORDS[COMP_CWORD-2]}; fi
  if [[ $word == = ]]; then before=\${COMP_WORDS[COMP_CWORD-1]} word=; fi
  case $before in
${cases.join('\n')}
    *)
      if [[ $word != -* ]]; then
        COMPREPLY=($(compgen -f -- "$word"))
        compopt -o filenames 2>/dev/null
        return
      fi
      words='${all()
        .flatMap(({ names }) => names)
        .join(' ')}'
      ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _pastream_rs pastream-rs
`
}

function zsh(): string {
  const quoted = (text: string): string => text.replaceAll(/[[\]:\\]/g, String.raw`\$&`)
  const lines = all().flatMap((flag) => {
    const complete = completes(flag)
    const action = complete === 'device' ? '_pastream_rs_devices' : complete ? `(${complete.join(' ')})` : ' '
    const more = flag.arity === 'twice' || flag.arity === 'many' ? '*' : ''
    return flag.names.map((name) => {
      const takes = name.startsWith('--') ? '=' : '+'
      const value =
        flag.arity === 'none' ? '' : `${flag.arity === 'optional' ? '::' : ':'}${quoted(flag.value)}:${action}`
      return `    '${more}${name}${flag.arity === 'none' ? '' : takes}[${quoted(gist(flag))}]${value}'`
    })
  })
  return `#compdef pastream-rs
# zsh completion of pastream-rs: source <(pastream-rs --completions zsh), or a file _pastream-rs in $fpath
_pastream_rs_devices() {
  compadd -- \${(f)"$(${DEVICES})"}
}
_pastream_rs() {
  _arguments -s -S \\
${lines.map((line) => `${line} \\`).join('\n')}
    '1:input:_files' '2:output:_files'
}
if [ "$funcstack[1]" = _pastream_rs ]; then _pastream_rs "$@"; else compdef _pastream_rs pastream-rs; fi
`
}

function fish(): string {
  const lines = all().map((flag) => {
    const names = flag.names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
    const complete = completes(flag)
    const required = flag.arity === 'none' || flag.arity === 'optional' ? '' : ' -x'
    const words =
      complete === 'device'
        ? ` -a "(${DEVICES.replaceAll('$', String.raw`\$`)})"`
        : complete
          ? ` -a '${complete.join(' ')}'`
          : ''
    return `complete -c pastream-rs ${names.join(' ')}${required}${flag.arity === 'optional' ? '' : words} -d '${gist(flag)}'`
  })
  return `# fish completion of pastream-rs: pastream-rs --completions fish | source
${lines.join('\n')}
`
}

const shells: Readonly<Record<Shell, () => string>> = { bash, zsh, fish }

/** The completions for a shell, as it reads them. */
export function completions(shell: Shell): string {
  return shells[shell]()
}
