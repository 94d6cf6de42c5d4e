import { devices, hosts, type ListedDevice } from '../ts/index.ts'
import type { Options } from './flags.ts'

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

/** How many channels, `*` at those of its host's default. */
function channels(count: number, isDefault: boolean): string {
  return `${isDefault ? '*' : ''}${count}`
}

function row(device: ListedDevice): string[] {
  return [
    String(device.index),
    device.id,
    device.host,
    channels(device.maxInputChannels, device.isDefaultInput),
    channels(device.maxOutputChannels, device.isDefaultOutput),
    device.defaultSampleRate > 0 ? String(device.defaultSampleRate) : '-',
    device.name.replaceAll(/\s+/g, ' '),
  ]
}

/** The devices, `*` at their host's default; and why a host has none. With `--json` all that is known of them. */
export function list({ json, host }: Options): string {
  const all = hosts().filter(({ name }) => host === undefined || name === host)
  const present = devices().filter((device) => host === undefined || device.host === host)
  if (json) return `${JSON.stringify({ hosts: all, devices: present }, undefined, 2)}\n`
  const rows = table([['#', 'DEVICE', 'HOST', 'IN', 'OUT', 'RATE', 'NAME'], ...present.map(row)], new Set([0, 3, 4, 5]))
  const missing = all.flatMap(({ name, reason }) => (reason === undefined ? [] : [`${name}: ${reason}`]))
  return [rows, ...missing, ''].join('\n')
}
