import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseDatabaseConfig, parseSyncConfig } from '../../../../src/platform/config/config.ts'
import { parseDaemonConfig } from '../../../../src/platform/config/daemon-config.ts'
import type { Environment } from '../../../../src/platform/config/environment.ts'
import { UsageError } from '../../../../src/platform/errors.ts'

const complete = { DATABASE_URL: 'postgresql://u:secret@db.example:5432/x', IDENTIFAI_API_KEY: 'k-123' }

function problems(environment: Environment): string {
  try {
    parseSyncConfig(environment)
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError)
    return (error as Error).message
  }
  throw new Error('accepted')
}

describe('the configuration', () => {
  it('has the documented defaults', () => {
    expect(parseSyncConfig(complete)).toEqual({
      databaseUrl: complete.DATABASE_URL,
      apiKey: 'k-123',
      apiUrl: 'https://backend.identifai.net/api',
      batchSize: 100,
      maxUrlBytes: 8000,
      requestsPerSecond: 2,
      requestsPerMinute: 60,
      concurrency: 2,
      requestTimeoutMs: 30_000,
      retries: 5,
      retryBaseMs: 1000,
      sealSigningKey: null,
      sealTimestampUrl: [],
      leaseSeconds: 120,
      missingAfter: 5,
      retireMissingDays: null,
      refreshHours: 12,
      maxDurationMinutes: null,
      httpsProxy: null,
      noProxy: '',
      logLevel: 'info',
    })
  })

  it('is frozen', () => {
    expect(Object.isFrozen(parseSyncConfig(complete))).toBe(true)
  })

  it('reports every problem in one message, by name, without the values', () => {
    const message = problems({
      DATABASE_URL: 'mysql://u:secret@db.example/x',
      IDENTIFAI_API_URL: 'http://api.example',
      SYNC_BATCH_SIZE: '101',
      SYNC_RETRIES: 'many',
      SYNC_REQUESTS_PER_SECOND: '0',
      LOG_LEVEL: 'loud',
    })
    for (const name of [
      'DATABASE_URL',
      'IDENTIFAI_API_KEY is not set',
      'IDENTIFAI_API_URL',
      'SYNC_BATCH_SIZE must be a whole number from 1 to 100',
      'SYNC_RETRIES',
      'SYNC_REQUESTS_PER_SECOND must be a number above 0',
      'LOG_LEVEL',
    ]) {
      expect(message).toContain(name)
    }
    expect(message).toContain('7 problems')
    expect(message).not.toContain('secret')
  })

  it('does not mistake a part of a password for the host', () => {
    for (const password of ['p@ss', 'p#ss', 'p@s/s']) {
      const message = problems({ ...complete, DATABASE_URL: `postgresql://u:${password}@db.example/x` })
      expect(message).toContain('percent-encoded')
      expect(message).not.toContain(password)
    }
  })

  it('treats an empty variable as not set', () => {
    expect(parseSyncConfig({ ...complete, SYNC_BATCH_SIZE: '' }).batchSize).toBe(100)
    expect(problems({ ...complete, IDENTIFAI_API_KEY: '' })).toContain('IDENTIFAI_API_KEY is not set')
  })

  it('accepts a batch of 1 to 100 identifiers', () => {
    const batchOf = (size: string) => () => parseSyncConfig({ ...complete, SYNC_BATCH_SIZE: size }).batchSize
    expect([batchOf('1')(), batchOf('100')()]).toEqual([1, 100])
    for (const size of ['0', '101']) expect(batchOf(size)).toThrow(/SYNC_BATCH_SIZE .* from 1 to 100/)
  })

  it('can switch verifications off, and nightly and fresh runs not', () => {
    const off = (name: string) => () => parseDaemonConfig({ ...complete, [name]: 'off' })
    expect(off('SYNC_VERIFY_SCHEDULE')().verifySchedule).toBe('off')
    for (const name of ['SYNC_SCHEDULE', 'SYNC_FRESH_SCHEDULE'])
      expect(off(name)).toThrow(`${name} must be a cron expression`)
  })

  it.each(['1.5', '-1', '1e3', ' 5', '0x10', '5 '])('does not accept %j as a whole number', (text) => {
    expect(problems({ ...complete, SYNC_RETRIES: text })).toContain('SYNC_RETRIES must be a whole number')
  })

  it.each([
    ['https://api.example/v1/', 'https://api.example/v1'],
    ['http://127.0.0.1:8787/api', 'http://127.0.0.1:8787/api'],
    ['http://localhost/api', 'http://localhost/api'],
    ['http://[::1]:1/api', 'http://[::1]:1/api'],
  ])('accepts the API at %s', (given, apiUrl) => {
    expect(parseSyncConfig({ ...complete, IDENTIFAI_API_URL: given }).apiUrl).toBe(apiUrl)
  })

  it.each([
    'http://10.0.0.1/api',
    'http://127.0.0.1.evil.example/api',
    'http://localhost.evil.example/api',
    'ftp://localhost',
    'api.example',
    'https://u:p@api.example',
    'https://api.example?x=1',
  ])('refuses the API at %s', (url) => {
    expect(problems({ ...complete, IDENTIFAI_API_URL: url })).toContain(
      'IDENTIFAI_API_URL must be an https URL',
    )
  })

  it.each(['FORCE_WEBHOOK_URL', 'SEAL_TIMESTAMP_URL', 'HTTPS_PROXY'])(
    'refuses a password in %s that cannot be decoded',
    (name) => {
      const secret = { FORCE_WEBHOOK_SECRET: `whsec_${'A'.repeat(32)}` }
      const parse = (url: string) => () => parseDaemonConfig({ ...complete, ...secret, [name]: url })
      expect(parse('https://user:50%@host.example')).toThrow(/%25 for each %/)
      if (name !== 'FORCE_WEBHOOK_URL') return
      expect(parse('https://user:50%25@host.example')()).toMatchObject({
        forceWebhookUrl: 'https://user:50%25@host.example',
      })
    },
  )

  it('requires what another setting needs', () => {
    const parse = (settings: Environment) => () => parseDaemonConfig({ ...complete, ...settings })
    expect(parse({ PAYLOAD_RETENTION_DAYS: '30' })).toThrow(/needs MAINTENANCE_DATABASE_URL/)
    expect(parse({ FORCE_WEBHOOK_URL: 'https://receiver.example' })).toThrow(/need each other/)
    expect(parse({ FORCE_WEBHOOK_SECRET: `whsec_${'A'.repeat(32)}` })).toThrow(/need each other/)
    expect(parse({ FORCE_WEBHOOK_SECRET: `whsec_${btoa('ABC')}` })).toThrow(/24 to 64 random bytes/)
  })

  it('refuses a key that no header can carry', () => {
    expect(problems({ ...complete, IDENTIFAI_API_KEY: 'two words' })).toContain(
      'IDENTIFAI_API_KEY must be printable',
    )
  })

  it('takes an Ed25519 key for the signatures, and refuses any other without printing it', () => {
    const keyOf = (type: 'ed25519' | 'ed448') =>
      generateKeyPairSync(type as 'ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
    const [good, other] = [keyOf('ed25519').trim(), keyOf('ed448').trim()]
    expect(parseSyncConfig({ ...complete, SEAL_SIGNING_KEY: good }).sealSigningKey).toBe(good)
    for (const wrong of [other, 'no key']) {
      const problem = problems({ ...complete, SEAL_SIGNING_KEY: wrong })
      expect(problem).toContain('SEAL_SIGNING_KEY must be an Ed25519 private key in PEM')
      expect(problem).not.toContain(wrong)
    }
  })

  it('takes several time-stamping authorities, and refuses any other text without printing it', () => {
    const urls = ['http://tsa.example/a', 'https://u:p@tsa.example/b?c=d']
    for (const text of [urls.join(','), ` ${urls.join(' , ')}, `, urls.join('\n')])
      expect(parseSyncConfig({ ...complete, SEAL_TIMESTAMP_URL: text }).sealTimestampUrl).toEqual(urls)
    for (const wrong of ['tsa.example', 'ftp://tsa.example', `${urls[0]},u:secret@tsa.example`]) {
      const problem = problems({ ...complete, SEAL_TIMESTAMP_URL: wrong })
      expect(problem).toContain('SEAL_TIMESTAMP_URL must be http or https URLs, separated by commas')
      expect(problem).not.toContain('tsa.example')
    }
  })

  it('requires only the database for the database commands', () => {
    expect(
      parseDatabaseConfig({ DATABASE_URL: complete.DATABASE_URL, SYNC_BATCH_SIZE: 'x' }).databaseUrl,
    ).toBe(complete.DATABASE_URL)
  })

  describe('with secrets in files', () => {
    let folder: string
    beforeEach(() => {
      folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-config-'))
    })
    afterEach(() => rmSync(folder, { recursive: true }))

    it('reads them, without the line break at the end', () => {
      const file = path.join(folder, 'key')
      writeFileSync(file, 'from-file\n')
      const { DATABASE_URL } = complete
      expect(parseSyncConfig({ DATABASE_URL, IDENTIFAI_API_KEY_FILE: file }).apiKey).toBe('from-file')
    })

    it('reads them in UTF-16, too', () => {
      const file = path.join(folder, 'key')
      writeFileSync(file, Buffer.from('\uFEFFfrom-file\r\n', 'utf16le'))
      const { DATABASE_URL } = complete
      expect(parseSyncConfig({ DATABASE_URL, IDENTIFAI_API_KEY_FILE: file }).apiKey).toBe('from-file')
    })

    it('reports a file that cannot be read, and a secret given twice', () => {
      const missing = path.join(folder, 'missing')
      const message = problems({ ...complete, IDENTIFAI_API_KEY_FILE: missing })
      expect(message).toContain(`IDENTIFAI_API_KEY_FILE names a file that does not exist: ${missing}`)
      expect(message).toContain('IDENTIFAI_API_KEY and IDENTIFAI_API_KEY_FILE are both set. Keep one')
    })
  })
})

it('a problem of two variables is reported once', () => {
  const addresses = { DATABASE_URL: 'postgresql://h/x', MAINTENANCE_DATABASE_URL: 'postgresql://h/y' }
  expect(() => parseDaemonConfig({ IDENTIFAI_API_KEY: 'k', ...addresses, PGPORT: 'x' })).toThrow(
    /^Configuration: PGPORT must have a port from 1 to 65535\. identifai-sync --help/,
  )
})
