export function randoms(seed: number): (below: number) => number
