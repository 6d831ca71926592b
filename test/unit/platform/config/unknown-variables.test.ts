import { describe, expect, it } from 'vitest'
import { unknownVariables } from '../../../../src/platform/config/unknown-variables.ts'

function reported(names: { environment?: string[]; file?: string[] }) {
  return unknownVariables({ environment: [], file: [], ...names })
}

describe('an unknown variable', () => {
  it('of the environment is reported where its prefix is of this program', () => {
    const environment = [
      'SYNC_BATCHSIZE',
      'SYNC_FLAVOR',
      'IDENTIFAI_KEY',
      'PAYLOAD_RETENTION_DAY',
      'FORCE_WEBHOOK_URI',
      'MAINTENANCE_DATABASE_URI',
      'STATUS_PRT',
      'SYNC_RETRIES',
      'HTTP_PROXY',
      'PATH',
      'PGHSOT',
      'API_KEY',
    ]
    expect(reported({ environment })).toEqual([
      'FORCE_WEBHOOK_URI (Did you mean FORCE_WEBHOOK_URL?)',
      'IDENTIFAI_KEY (Did you mean IDENTIFAI_API_KEY?)',
      'MAINTENANCE_DATABASE_URI (Did you mean MAINTENANCE_DATABASE_URL?)',
      'PAYLOAD_RETENTION_DAY (Did you mean PAYLOAD_RETENTION_DAYS?)',
      'STATUS_PRT (Did you mean STATUS_PORT?)',
      'SYNC_BATCHSIZE (Did you mean SYNC_BATCH_SIZE?)',
      'SYNC_FLAVOR',
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
      'API_KEY',
      'DATABASE_URI (Did you mean DATABASE_URL?)',
      'HTTP_PROXY (Did you mean HTTPS_PROXY?)',
      'PGPASWORD (Did you mean PGPASSWORD?)',
      'sync_retries (Did you mean SYNC_RETRIES?)',
    ])
  })

  it.each(['PGPASS', 'PGSERVICE', 'PGHOSTADDR', 'PGCONNECT_TIMEOUT'])(
    'is %s, which is not read here, although libpq reads it or a similar one',
    (name) => {
      expect(reported({ file: [name] })).toHaveLength(1)
    },
  )

  it.each([
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
