// A sink of a module that takes a while to load.
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300)
export { default } from './keep.js'
