import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EmbeddedPostgres } from '../../../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { startTestServer } from '../../support/start-test-server.ts'
import { connect } from '../../../src/platform/postgres/connect.ts'
import { onServer } from '../../support/on-server.ts'
import { createTestCli, type TestCli } from '../../support/test-cli.ts'

const folder = path.resolve(import.meta.dirname, '../../../deploy')
const PASSWORDS = {
  OWNER_PASSWORD: 'o',
  JOB_PASSWORD: "it's",
  ENQUEUER_PASSWORD: 'e',
  READER_PASSWORD: 'r',
}

describe.skipIf(spawnSync('psql', ['--version']).error !== undefined)(
  'the scripts of deploy (with psql)',
  () => {
    let server: EmbeddedPostgres
    let cli: TestCli
    beforeAll(() => {
      cli = createTestCli()
    })
    afterAll(() => cli[Symbol.dispose]())
    // Roles belong to a server.
    beforeEach(async () => {
      server = await startTestServer()
      await onServer(server.url(), 'create database identifai')
    })
    afterEach(() => server.stop())

    const urlOf = (user?: string, password?: string) => {
      const url = new URL(server.url())
      url.pathname = 'identifai'
      if (user !== undefined) Object.assign(url, { username: user, password })
      return url.href
    }

    function execute(script: string, { args = [], env }: { args?: readonly string[]; env?: object }) {
      const { status, stderr } = spawnSync(
        'psql',
        [`--dbname=${urlOf()}`, '--no-psqlrc', ...args, '--file', path.join(folder, script)],
        { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } },
      )
      return { status, stderr }
    }

    async function rowsOf(query: string) {
      await using stack = new AsyncDisposableStack()
      const { db } = connect({ connectionString: urlOf(), maxConnections: 1 })
      stack.defer(() => db.destroy())
      return (await sql.raw(query).execute(db)).rows
    }

    it('create the roles once, and name the passwords that are not set', async () => {
      const none = execute('create-roles.sql', { env: { JOB_PASSWORD: 'j' } })
      expect(none.status).toBe(3)
      expect(none.stderr).toContain(
        'No role was created. Set OWNER_PASSWORD, ENQUEUER_PASSWORD, READER_PASSWORD',
      )
      expect(await rowsOf("select from pg_roles where rolname like 'identifai%'")).toEqual([])
      expect(execute('create-roles.sql', { env: PASSWORDS })).toEqual({ status: 0, stderr: '' })
      expect(execute('create-roles.sql', {})).toEqual({ status: 0, stderr: '' })
      const asJob = { DATABASE_URL: urlOf('identifai_sync', "it's") }
      expect(await cli.call(['migrate'], asJob)).toMatchObject({
        code: 5,
        stderr: expect.stringMatching(
          /The role identifai_sync may not create the schemas .* Let a superuser execute deploy\/create-roles\.sql/,
        ),
      })
      expect(await cli.call(['status'], asJob)).toMatchObject({
        code: 5,
        stderr: expect.stringContaining('The database lacks'),
      })
    })

    it('give the tables of a database that a superuser migrated to the owner, with all grants', async () => {
      execute('create-roles.sql', { env: PASSWORDS })
      const asSuperuser = { DATABASE_URL: urlOf() }
      const asOwner = { DATABASE_URL: urlOf('identifai_owner', 'o') }
      expect(await cli.call(['migrate'], asSuperuser)).toMatchObject({ code: 0 })
      expect(await cli.call(['grant-reader', 'identifai_bi'], asSuperuser)).toMatchObject({ code: 0 })

      const refused = await cli.call(['migrate', 'down', '--yes'], asOwner)
      expect(refused).toMatchObject({
        code: 5,
        stderr: expect.stringMatching(/belong to the role postgres.* execute deploy\/change-owner\.sql\.\n$/),
      })
      expect(await cli.call(['grant-job', 'identifai_sync'], asOwner)).toMatchObject({
        code: 5,
        stderr: expect.stringContaining(
          'does not own the tables (permission denied for schema identifai). Use the role postgres in DATABASE_URL.',
        ),
      })
      const nameless = execute('change-owner.sql', {})
      expect(nameless.status).toBe(3)
      expect(nameless.stderr).toContain('add --set=owner=identifai_owner')
      const changed = execute('change-owner.sql', { args: ['--set=owner=identifai_owner'] })
      expect(changed).toEqual({ status: 0, stderr: '' })
      expect(
        await rowsOf(`
        with schemas as (select oid from pg_namespace where nspname like 'identifai%'),
        owners (owner) as (
          select nspowner from pg_namespace where oid in (table schemas)
          union all select relowner from pg_class where relnamespace in (table schemas)
          union all select proowner from pg_proc where pronamespace in (table schemas)
          union all select typowner from pg_type where typnamespace in (table schemas)
        )
        select distinct owner::regrole::text from owners`),
      ).toEqual([{ owner: 'identifai_owner' }])

      // The reader has kept its privileges, and the owner can migrate and grant.
      expect(await cli.call(['grant-reader', 'identifai_bi'], asOwner)).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('Nothing was changed'),
      })
      expect(await cli.call(['grant-job', 'identifai_sync'], asOwner)).toMatchObject({ code: 0 })
      expect(await cli.call(['migrate', 'down', '--all', '--yes'], asOwner)).toMatchObject({ code: 0 })
      expect(await cli.call(['migrate'], asOwner)).toMatchObject({ code: 0 })
    })
  },
)
