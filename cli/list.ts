import { devices } from '../ts/index.ts'

/** Lines up columns; those in `right` to the right. */
function table(rows: readonly (readonly string[])[], right: ReadonlySet<number>): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          right.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function list(): string {
  const rows = devices().map((device) => [
    device.id,
    device.host,
    String(device.maxInputChannels),
    String(device.maxOutputChannels),
    String(device.defaultSampleRate),
    device.name,
  ])
  return `${table([['DEVICE', 'HOST', 'IN', 'OUT', 'RATE', 'NAME'], ...rows], new Set([2, 3, 4]))}\n`
}
