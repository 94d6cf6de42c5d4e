/** The words of a file of arguments, as a shell splits them: quotes, backslashes, and comments from `#` to the line's end. */
export function words(text: string): string[] | undefined {
  const found: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] ?? ''
    const next = text[at + 1] ?? ''
    if (quote === "'") {
      if (letter === "'") quote = ''
      else word += letter
    } else if (letter === '\\') {
      // In double quotes it is itself but before what means something there; a line goes on after it.
      if (quote === '' || '"\\$`\n'.includes(next)) {
        word = (word ?? '') + (next === '\n' ? '' : next)
        at++
      } else word += letter
    } else if (quote === '"') {
      if (letter === '"') quote = ''
      else word += letter
    } else if (letter === '"' || letter === "'") {
      quote = letter
      word ??= ''
    } else if (/\s/.test(letter)) {
      if (word !== undefined) found.push(word)
      word = undefined
    } else if (letter === '#' && word === undefined) {
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end
    } else word = (word ?? '') + letter
  }
  if (word !== undefined) found.push(word)
  return quote === '' ? found : undefined
}

/** The most changes by which a word is still taken for another one misspelt. */
const MOST_CHANGES = 2

/** How many letters have to be put in, taken out or exchanged. */
function changes(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [index, letter] of [...from].entries()) {
    const next = [index + 1]
    for (let at = 0; at < to.length; at++) {
      const replaced = (row[at] ?? 0) + (letter === to[at] ? 0 : 1)
      next.push(Math.min(replaced, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

/** Those of `known` that `word` begins, or else the nearest of those that it may be a misspelling of. */
export function nearest(word: string, known: readonly string[]): string[] {
  const wanted = word.toLowerCase()
  const length = wanted.replace(/^-+/, '').length
  const begun = known.filter((name) => length > 1 && name.toLowerCase().startsWith(wanted))
  if (begun.length > 0) return begun
  const far = new Map(known.map((name) => [name, changes(wanted, name.toLowerCase())]))
  const least = Math.min(...far.values())
  return least <= Math.min(MOST_CHANGES, Math.ceil(length / 2)) ? known.filter((name) => far.get(name) === least) : []
}
