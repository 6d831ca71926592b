import { createHash } from 'node:crypto'
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'

export type Draw = ReturnType<typeof createDraw>

/** Creates random choices that depend only on their seed. */
export function createDraw(...seed: readonly (string | number)[]) {
  const rng = xoroshiro128plus(createHash('sha256').update(seed.join('\0')).digest().readInt32LE())
  const integer = (min: number, max: number) => uniformInt(rng, min, max)
  const fraction = () => Math.round(uniformFloat64(rng) * 1e6) / 1e6
  return {
    /** Draws an integer from `min` to `max`, both included. */
    integer,
    /** Draws a number from 0 to 1 with six digits. */
    fraction,
    chance: (probability: number) => fraction() < probability,
    pick: <T>(choices: readonly T[]) => choices[integer(0, choices.length - 1)] as T,
    shuffle: <T>(list: readonly T[]): T[] => {
      const shuffled = [...list]
      for (let last = shuffled.length - 1; last > 0; last--) {
        const other = integer(0, last)
        ;[shuffled[last], shuffled[other]] = [shuffled[other] as never, shuffled[last] as never]
      }
      return shuffled
    },
  }
}
