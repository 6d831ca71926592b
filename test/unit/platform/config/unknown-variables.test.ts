import { describe, expect, it } from 'vitest'
import { unknownVariables } from '../../../../src/platform/config/unknown-variables.ts'

/** The names that are reported, with the names that were probably meant. */
function reported(names: { environment?: string[]; file?: string[] }) {
  return unknownVariables({ environment: [], file: [], ...names }).map(({ name, meant }) => [name, meant])
}

describe('an unknown variable', () => {
  it('of the environment is reported where its prefix is of this program', () => {
    const environment = [
      'SYNC_BATCHSIZE',
      'SYNC_FLAVOR',
      'IDENTIFAI_KEY',
      'SYNC_RETRIES',
      'HTTP_PROXY',
      'PATH',
      'PGHSOT',
      'API_KEY',
    ]
    expect(reported({ environment })).toEqual([
      ['IDENTIFAI_KEY', 'IDENTIFAI_API_KEY'],
      ['SYNC_BATCHSIZE', 'SYNC_BATCH_SIZE'],
      ['SYNC_FLAVOR', undefined],
    ])
  })

  it('of .env is always reported', () => {
    const file = [
      'DATABASE_URI',
      'API_KEY',
      'sync_retries',
      'HTTP_PROXY',
      'PGPASWORD',
      'DATABASE_URL',
      'IDENTIFAI_API_KEY_FILE',
      'PGHOST',
      'https_proxy',
    ]
    expect(reported({ file })).toEqual([
      ['API_KEY', undefined],
      ['DATABASE_URI', 'DATABASE_URL'],
      ['HTTP_PROXY', 'HTTPS_PROXY'],
      ['PGPASWORD', 'PGPASSWORD'],
      ['sync_retries', 'SYNC_RETRIES'],
    ])
  })

  it.each([
    'PGSSLCERTMODE',
    'PGCONNECT_TIMEOUT',
    'PGDATA',
    'NODE_ENV',
    'NODE_EXTRA_CA_CERTS',
    'TZ',
    'NO_COLOR',
    'FORCE_COLOR',
    'LANG',
    'LC_ALL',
    'MALLOC_ARENA_MAX',
    'SSL_CERT_FILE',
    'COMPOSE_PROJECT_NAME',
    'POSTGRES_PASSWORD',
    'POSTGRES_DB',
  ])('is not %s, which another program reads', (name) => {
    expect(reported({ file: [name] })).toEqual([])
  })
})
