import { createHash } from 'node:crypto'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

/** Random choices that depend only on their seed. */
export interface Draw {
  /** Draws an integer from `min` to `max`, both included. */
  integer(min: number, max: number): number
  /** Draws a number from 0 to 1 with six digits. */
  fraction(): number
  chance(probability: number): boolean
  pick<T>(choices: readonly T[]): T
  shuffle<T>(list: readonly T[]): T[]
}

export function createDraw(...seed: readonly (string | number)[]): Draw {
  const rng = xoroshiro128plus(createHash('sha256').update(seed.join('\0')).digest().readInt32LE())
  const integer = (min: number, max: number) => uniformInt(rng, min, max)
  const fraction = () => Math.round(uniformFloat64(rng) * 1e6) / 1e6
  return {
    integer,
    fraction,
    chance: (probability) => fraction() < probability,
    pick: <T>(choices: readonly T[]) => choices[integer(0, choices.length - 1)] as T,
    shuffle: (list) => {
      const shuffled = [...list]
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = integer(0, last)
        ;[shuffled[last], shuffled[other]] = [shuffled[other] as never, shuffled[last] as never]
      }
      return shuffled
    },
  }
}
