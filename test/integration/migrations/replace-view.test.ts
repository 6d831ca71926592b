import { type Kysely, sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { replaceView } from '../../../migrations/replace-view.ts'
import { createView } from '../../../migrations/with-comments.ts'
import { createTestDatabase, type TestDatabase } from '../../support/test-database.ts'

const BASE = {
  comment: 'The base. One row per database.',
  columns: { a: 'A number.', b: 'A text. Null: not given.' },
  query: `select 1, 'text'::text`,
}
const DEPENDENT = { comment: 'Depends on base. One row per database.', columns: { a: 'The number.' } }

/** Views that depend on base: one in its schema, one in another schema that depends on both. */
const DEPENDENTS = ['identifai_reporting.dependent', 'analysts."Their view"']

describe('replaceView', () => {
  let database: TestDatabase
  let db: Kysely<unknown>
  const roles = ['reader', 'auditor', 'analyst'].map((name) => `${name}_${process.pid}`)
  const [reader, auditor, analyst] = roles as [string, string, string]
  const run = (statement: string) => sql.raw(statement).execute(db)

  beforeEach(async () => {
    database = await createTestDatabase()
    db = database.db as unknown as Kysely<unknown>
    for (const role of roles) await run(`create role ${role}`)
    await run(`grant create on database ${new URL(database.url).pathname.slice(1)} to ${analyst}`)
    await run(`create schema analysts authorization ${analyst}`)
    // Default privileges add a grant to a view that is created again: views that it was revoked from must not get it.
    await run(`alter default privileges in schema identifai_reporting grant select on tables to ${auditor}`)
    await createView(db, 'base', BASE)
    await run('alter view identifai_reporting.base set (security_barrier = true)')
    await createView(db, 'dependent', { ...DEPENDENT, query: 'select a from identifai_reporting.base' })
    await run(`create view analysts."Their view" with (security_barrier = true) as
      select d.a + b.a as sum, b.b from identifai_reporting.dependent as d, identifai_reporting.base as b`)
    await run(`comment on view analysts."Their view" is 'Owner''s comment'`)
    await run(`comment on column analysts."Their view".sum is 'Sum'`)
    await run(`alter view analysts."Their view" owner to ${analyst}`)
    await run(`grant select on identifai_reporting.base to ${reader} with grant option`)
    await run(`grant select (a) on identifai_reporting.base to ${analyst}`)
    await run(`grant select (b) on identifai_reporting.base to ${analyst}`)
    await run(`grant select on identifai_reporting.dependent to ${analyst}, public`)
    await run(`revoke select on identifai_reporting.dependent from ${auditor}`)
    await run(`grant select (sum) on analysts."Their view" to ${reader}`)
    await run(`revoke insert on analysts."Their view" from ${analyst}`)
  })
  afterEach(async () => {
    for (const role of roles) await run(`drop owned by ${role} cascade`)
    for (const role of roles) await run(`drop role ${role}`)
    await database[Symbol.asyncDispose]()
  })

  const replace = (change: { readonly columns: Record<string, string>; readonly query: string }) =>
    db
      .transaction()
      .execute((trx) => replaceView(trx, 'base', { comment: 'New. One row per database.', ...change }))

  it('appends a column and leaves all other views as they are', async () => {
    const [dependents, grants] = [await readViews(DEPENDENTS), await readViews(['identifai_reporting.base'])]
    await replace({
      columns: { ...BASE.columns, b: 'A text, described better.', c: 'True.' },
      query: `select 2, 'text'::text, true`,
    })
    expect(await readViews(DEPENDENTS)).toEqual(dependents)
    const [base] = await readViews(['identifai_reporting.base'])
    expect(base).toMatchObject({
      oid: grants[0]?.oid,
      acl: grants[0]?.acl,
      column_acl: grants[0]?.column_acl,
      options: ['security_barrier=true'],
    })
    expect(base?.comment).toBe('New. One row per database.')
    expect(await readDictionary()).toEqual([
      ['a', 'integer', 'A number.', null],
      ['b', 'text', 'A text, described better.', null],
      ['c', 'boolean', 'True.', null],
    ])
    expect((await sql`select * from analysts."Their view"`.execute(db)).rows).toEqual([{ sum: 4, b: 'text' }])
  })

  it('inserts, retypes and removes columns, and restores the views that depend on it', async () => {
    const before = await readViews(DEPENDENTS)
    const [base] = await readViews(['identifai_reporting.base'])
    await replace({
      columns: { inserted: 'False.', a: 'A larger number.', b: 'A text. Null: not given.' },
      query: `select false, 3::bigint, 'text'::text`,
    })
    const after = await readViews(DEPENDENTS)
    expect(after.map(withoutOid)).toEqual(before.map(withoutOid))
    expect(after[0]?.oid).not.toBe(before[0]?.oid)
    const [replaced] = await readViews(['identifai_reporting.base'])
    expect(replaced).toMatchObject({
      acl: base?.acl,
      owner: base?.owner,
      column_acl: base?.column_acl,
      options: ['security_barrier=true'],
    })
    expect(await readDictionary()).toEqual([
      ['inserted', 'boolean', 'False.', null],
      ['a', 'bigint', 'A larger number.', null],
      ['b', 'text', 'A text.', 'not given'],
    ])
    expect((await sql`select * from analysts."Their view"`.execute(db)).rows).toEqual([{ sum: 6, b: 'text' }])
  })

  it('changes nothing when another object depends on a view that it has to drop', async () => {
    await run('create materialized view analysts.copy as select * from identifai_reporting.dependent')
    const before = await readViews([...DEPENDENTS, 'identifai_reporting.base'])
    await expect(replace({ columns: { a: 'A.' }, query: 'select 1' })).rejects.toMatchObject({
      code: '42809',
    })
    expect(await readViews([...DEPENDENTS, 'identifai_reporting.base'])).toEqual(before)
    await run('drop materialized view analysts.copy')
  })

  it('fails for a view that does not exist', async () => {
    const missing = db.transaction().execute((trx) => replaceView(trx, 'missing', BASE))
    await expect(missing).rejects.toThrow('There is no view identifai_reporting.missing to replace.')
  })

  interface Stored {
    readonly oid: number
    readonly owner: string
    readonly acl: string[]
    readonly column_acl: string[]
    readonly comment: string
    readonly column_comments: string[]
    readonly options: string[] | null
    readonly definition: string
  }

  async function readViews(names: readonly string[]): Promise<Stored[]> {
    const { rows } = await sql<Stored>`
      select c.oid::integer, c.relowner::regrole::text as owner, c.reloptions as options,
        array(select unnest(c.relacl)::text order by 1) as acl, obj_description(c.oid) as comment,
        array(select attname || attacl::text from pg_attribute where attrelid = c.oid and attacl is not null order by 1) as column_acl,
        array(select attname || ': ' || col_description(c.oid, attnum) from pg_attribute
          where attrelid = c.oid and attnum > 0 order by attnum) as column_comments,
        pg_get_viewdef(c.oid) as definition
      from unnest(${names}::text[]) with ordinality as n (name, position)
      join pg_class as c on c.oid = n.name::regclass order by n.position`.execute(db)
    expect(rows).toHaveLength(names.length)
    return rows
  }

  const withoutOid = (view: Stored) => ({ ...view, oid: null })

  async function readDictionary(): Promise<unknown[][]> {
    const { rows } = await sql<Record<string, unknown>>`
      select column_name, data_type, description, null_means from identifai_reporting.data_dictionary
      where view_name = 'base' order by column_no`.execute(db)
    return rows.map((row) => Object.values(row))
  }
})
