import { describe, expect, it } from 'vitest'
import { parseDaemonConfig } from '../../../../src/platform/config/daemon-config.ts'
import { CONNECTION_VARIABLES, VARIABLE_LINES, VARIABLES } from '../../../../src/platform/config/variables.ts'

describe('the list of variables', () => {
  it('has the files of the secrets, and the variables of libpq and of Node', () => {
    const others = [
      'DATABASE_URL_FILE',
      'IDENTIFAI_API_KEY_FILE',
      'SEAL_SIGNING_KEY_FILE',
      'SEAL_TIMESTAMP_URL_FILE',
      'MAINTENANCE_DATABASE_URL_FILE',
      'FORCE_WEBHOOK_URL_FILE',
      'FORCE_WEBHOOK_SECRET_FILE',
      'NODE_EXTRA_CA_CERTS',
    ]
    expect(VARIABLE_LINES.map(({ name }) => name).toSorted()).toEqual(
      [...Object.keys(VARIABLES), ...Object.keys(CONNECTION_VARIABLES), ...others].toSorted(),
    )
  })

  it('has a valid default for each variable that is not required', () => {
    const required = { DATABASE_URL: 'postgresql://u:p@db.example:5432/x', IDENTIFAI_API_KEY: 'k' }
    expect(Object.keys(parseDaemonConfig(required))).toHaveLength(Object.keys(VARIABLES).length)
  })
})
