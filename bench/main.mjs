// Prints what the library costs beside what cannot be had cheaper, as ratios taken in turn in one run. See README.md.
import { setup } from '../scripts/setup.mjs'
import { callback } from './callback.mjs'
import { transfer } from './transfer.mjs'

setup()
callback()
await transfer()
