import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { audioEndpoint } from '../../../../src/media/audio/endpoint.ts'
import { validateAudio } from '../../../../src/media/audio/validate.ts'
import type { Json, JsonObject } from '../../../../src/platform/json.ts'
import { isJsonObject, setOwn } from '../../../../src/platform/json.ts'
import { canonicalJson } from '../../../../src/platform/canonical-json.ts'
import type { AudioRows } from '../../../../src/media/audio/tables.ts'
import type { RowSet } from '../../../../src/media/endpoint.ts'
import { differences, rowsOf } from '../../../../src/pipeline/replay/differences.ts'
import { audioRecordArbitrary } from '../../../support/arbitrary-record.ts'
import { meaning } from '../../../support/meaning.ts'
import { sampleSize } from '../../../support/sample-size.ts'

function normalized(payload: JsonObject): RowSet {
  const validation = validateAudio(payload)
  if (!validation.accepted) throw new Error(JSON.stringify(validation.issues))
  return audioEndpoint.normalize(1, validation.classification)
}

/** Records that were parsed from JSON text, as received records are. */
const arriving = audioRecordArbitrary.map((record) => JSON.parse(JSON.stringify(record)) as JsonObject)

describe('normalizing', () => {
  it('loses nothing: the payload can be rebuilt from its rows', () => {
    fc.assert(
      fc.property(arriving, (payload) => {
        expect(meaning(audioEndpoint.denormalize(normalized(payload)))).toBe(meaning(payload))
      }),
      { numRuns: sampleSize(300) },
    )
  })

  it('gives the same rows again for the record that they hold, which leaves them untouched', () => {
    fc.assert(
      fc.property(arriving, (payload) => {
        const [rows, same] = [normalized(payload), normalized(payload)]
        const again = normalized(audioEndpoint.denormalize(rows))
        expect(differences(rowsOf(rows), rowsOf(same))).toEqual([])
        expect(differences(rowsOf(rows), rowsOf(again))).toEqual([])
        expect(again.contentDigest).toBe(rows.contentDigest)
      }),
      { numRuns: sampleSize(300) },
    )
  })

  it('leaves the record as received untouched', () => {
    fc.assert(
      fc.property(arriving, (payload) => {
        const before = JSON.stringify(payload)
        normalized(payload)
        expect(JSON.stringify(payload)).toBe(before)
      }),
    )
  })

  it('gives every row its own key, and every child a parent', () => {
    fc.assert(
      fc.property(arriving, (payload) => {
        const rows = normalized(payload).children as AudioRows
        const ordinals = <T>(list: readonly T[], of: (row: T) => number) => list.map(of)
        expect(ordinals(rows.clips, (row) => row.clip_no)).toEqual(rows.clips.map((_, n) => n))
        expect(ordinals(rows.verdicts, (row) => row.verdict_no)).toEqual(rows.verdicts.map((_, n) => n))
        expect(ordinals(rows.model_results, (row) => row.result_no)).toEqual(
          rows.model_results.map((_, n) => n),
        )
        for (const row of rows.model_results) {
          if (row.clip_no !== null) expect(rows.clips[row.clip_no]).toBeDefined()
        }
      }),
    )
  })
})

describe('the content digest', () => {
  it('is the same for the same content in any order of keys and sets, with any form of an empty field', () => {
    fc.assert(
      fc.property(arriving, fc.infiniteStream(fc.nat()), (payload, choices) => {
        const digest = normalized(payload).contentDigest
        expect(normalized(rearranged(payload, choices)).contentDigest).toBe(digest)
      }),
      { numRuns: sampleSize(100) },
    )
  })

  it('does not depend on the link', () => {
    fc.assert(
      fc.property(arriving, fc.webUrl(), (payload, url) => {
        const digest = normalized(payload).contentDigest
        expect(normalized({ ...payload, result_url: url }).contentDigest).toBe(digest)
      }),
    )
  })

  it('differs exactly when the canonical content differs, and then there is a cause', () => {
    fc.assert(
      fc.property(fc.tuple(arriving, arriving), fc.boolean(), ([one, other], sameIdentity) => {
        const before = sameIdentity ? { ...other, ...pickHalf(one) } : one
        const [old, next] = [audioEndpoint.canonicalize(before), audioEndpoint.canonicalize(other)]
        const differs = meaning(old) !== meaning(next)
        const [digest, nextDigest] = [before, other].map((record) => normalized(record).contentDigest)
        expect(digest !== nextDigest).toBe(differs)
        if (differs) {
          const parts = Object.values(audioEndpoint.parts)
          const inAPart = parts.some((part) => canonicalJson([part(old)]) !== canonicalJson([part(next)]))
          const inTheForce = old.force_classification !== next.force_classification
          expect(inAPart || inTheForce).toBe(true)
        }
      }),
      { numRuns: sampleSize(100) },
    )
  })
})

/** Every other member, so that two records differ in some parts and agree in others. */
function pickHalf(record: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(record).filter((_, position) => position % 2 === 0))
}

/** Lists whose order has no meaning. Lists within unknown or free content keep theirs. */
const SETS: Readonly<Record<string, readonly string[]>> = {
  record: ['verdicts', 'results', 'chunk_details'],
  verdict: ['models'],
  details: ['clips'],
  results: ['classification'],
  verdicts: ['models'],
  clips: ['results'],
  chunk_details: ['results'],
}

/** Known objects within known places; anything else is taken as it is. */
const KNOWN_OBJECTS: Readonly<Record<string, readonly string[]>> = {
  record: ['verdict', 'details'],
  clips: ['verdict'],
  chunk_details: ['verdict'],
}

/** The same record, written differently. */
function rearranged(payload: JsonObject, choices: IterableIterator<number>): JsonObject {
  const next = (below: number) => Number(choices.next().value) % below
  const shuffle = <T>(list: readonly T[]): T[] => {
    const rest = [...list]
    return list.map(() => rest.splice(next(rest.length), 1)[0] as T)
  }
  const rearrange = (value: JsonObject, place: string): JsonObject => {
    const entries = Object.entries(value).map(([key, member]): [string, Json] => {
      const isSet = SETS[place]?.includes(key)
      if (
        isSet &&
        Array.isArray(member) &&
        !(place === 'record' && key === 'chunk_details' && hasOwnClips(payload))
      ) {
        return [
          key,
          shuffle(member.map((element: Json) => (isJsonObject(element) ? rearrange(element, key) : element))),
        ]
      }
      const isKnownObject = KNOWN_OBJECTS[place]?.includes(key)
      return [key, isKnownObject && isJsonObject(member) ? rearrange(member, key) : member]
    })
    // The field becomes null if the record does not have it.
    const added: [string, Json][] =
      place === 'record' && value.api_version === undefined ? [['api_version', null]] : []
    const made = {}
    for (const [name, member] of shuffle([...entries, ...added])) setOwn(made, name, member)
    return made
  }
  return rearrange(payload, 'record')
}

/** With clips in the documented place, the second list is an unknown field, taken as it is. */
function hasOwnClips({ details }: JsonObject): boolean {
  return (
    isJsonObject(details) &&
    Array.isArray(details.clips) &&
    details.clips.some((clip: Json) => meaning(clip) !== 'null')
  )
}
