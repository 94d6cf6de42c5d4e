// Prints what the library costs beside what cannot be had cheaper, as ratios taken in turn in one run. See README.md.
import { setup } from '../scripts/setup.mjs'
import { alignment } from './alignment.mjs'
import { callback } from './callback.mjs'
import { resample } from './resample.mjs'
import { startup } from './startup.mjs'
import { transfer } from './transfer.mjs'

setup()
const benches = { callback, transfer, resample, startup, alignment }
// `npm run bench -- alignment` runs that one alone.
const named = process.argv.slice(2)
for (const name of named.length > 0 ? named : Object.keys(benches)) await benches[name]()
