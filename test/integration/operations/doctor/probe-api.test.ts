import { describe, expect, it } from 'vitest'
import { examination, type Responder, responds } from '../../../support/examination.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

describe('the probe', () => {
  const record = {
    identifier: 'known',
    status: 'done',
    hash: 'the-hash',
    name: 'secret name.wav',
    unheard_of: 1,
  }

  it('reports with six more requests how the API behaves, and no value of any record', async () => {
    await using own = await createTestDatabase()
    const { findings, requests, exitCode } = await examination({
      databaseUrl: own.url,
      known: 'known',
      respond: (identifiers, response, request) => {
        if (identifiers.length > 100) return responds(422)(identifiers, response, request)
        return identifiers.map((identifier) => (identifier === 'known' ? record : null))
      },
    })
    expect(requests.map(({ length }) => length)).toEqual([1, 1, 2, 2, 100, 101, 1])
    expect(requests.at(-1)).toEqual(['the-hash'])
    const probed = findings.filter(({ check }) => check.startsWith('probe')).map(({ found }) => found)
    expect(probed).toEqual([
      'The record fits the contract, and these fields are unknown: /unheard_of. Its fields: hash, identifier, name, status, unheard_of.',
      'The response has null for an unknown identifier.',
      'An identifier that is twice in a request is in the response 2 times.',
      expect.stringMatching(/^The API accepts 100 identifiers, 7\d\d\d bytes\.$/),
      'For a request with 101 identifiers, the API refuses the request (422).',
      'The response to a request with the file hash has no record. Runs request identifiers only.',
    ])
    expect(JSON.stringify(findings)).not.toContain('secret')
    expect(exitCode).toBe(0)
  })

  it('reports that the API refuses unknown identifiers and long requests, and repeats no record', async () => {
    await using own = await createTestDatabase()
    const { findings } = await examination({
      databaseUrl: own.url,
      known: 'known',
      respond: (identifiers, response, request) => {
        if (identifiers.length > 50) return responds(414)(identifiers, response, request)
        if (identifiers.some((identifier) => identifier !== 'known'))
          return responds(404)(identifiers, response, request)
        return [record]
      },
    })
    const found = Object.fromEntries(
      findings.map(({ check, status, found: text }) => [check, [status, text]]),
    )
    expect(found['probe: unknown identifier']).toEqual([
      'ok',
      'For a request with a known and an unknown identifier, the API refuses the request (404). A run splits such requests.',
    ])
    expect(found['probe: the same identifier twice']?.[1]).toContain('in the response once')
    expect(found['probe: a full request']).toEqual([
      'warning',
      expect.stringContaining('the API refuses the request (414)'),
    ])
    expect(found['probe: a file hash']?.[1]).toContain('the API refuses the request (404)')
  })

  it('reports that the API does not return the identifier, or that its record breaks the contract', async () => {
    await using own = await createTestDatabase()
    const probe = async (respond: Responder) => {
      const { found, findings, requests } = await examination({
        databaseUrl: own.url,
        known: 'known',
        respond,
      })
      const results = findings.filter(({ check }) => check.startsWith('probe')).length
      return { ...found('probe: known identifier'), results, requests: requests.length }
    }
    // The other requests would reveal nothing, so the probe ends after the first.
    expect(await probe(() => [])).toMatchObject({
      status: 'failed',
      exit_code: 2,
      found: 'The API does not return this identifier.',
      results: 2,
      requests: 2,
    })
    expect(await probe(() => [{ ...record, status: 5 }])).toMatchObject({
      status: 'warning',
      found: expect.stringContaining('does not fit the contract (/status:'),
    })
  })

  it('sends no request when the API refuses the key', async () => {
    await using own = await createTestDatabase()
    const { found, requests } = await examination({
      databaseUrl: own.url,
      known: 'known',
      respond: responds(401),
    })
    expect(found('probe').status).toBe('skipped')
    expect(requests).toHaveLength(1)
  })
})
