/** Prints rows of text under a title and their heads: the first column to the left, the others to the right. */
export function table(title, heads, rows, notes = []) {
  const widths = heads.map((head, column) => Math.max(head.length, ...rows.map((row) => row[column].length)))
  const line = (row) =>
    row.map((text, column) => (column ? text.padStart(widths[column]) : text.padEnd(widths[column]))).join('  ')
  const rule = widths.map((width) => '-'.repeat(width))
  process.stdout.write(['', title, '', ...[heads, rule, ...rows].map(line), ...notes, ''].join('\n'))
}

export function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1]
}
