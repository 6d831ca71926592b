import { type Kysely, sql } from 'kysely'
import type { Database } from '../src/platform/postgres/database.ts'
import { linkTerms } from './words/link-terms.ts'

interface Relation {
  readonly schema: string
  readonly name: string
  readonly kind: 'table' | 'view'
  readonly comment: string
}

interface Column {
  readonly relation: string
  readonly name: string
  readonly type: string
  readonly isNullable: boolean
  readonly defaultTo: string | null
  readonly comment: string
}

interface Key {
  readonly relation: string
  readonly type: 'p' | 'u' | 'f'
  readonly definition: string
  readonly columns: readonly string[]
  readonly target: string | null
}

interface Index {
  readonly relation: string
  readonly definition: string
}

/** The tables and views of a migrated database as Markdown, with a Mermaid diagram. */
export async function schemaMarkdown(db: Kysely<Database>): Promise<string> {
  const relations = await readRelations(db)
  const columns = Map.groupBy(await readColumns(db), ({ relation }) => relation)
  const keys = await readKeys(db)
  const indexes = Map.groupBy(await readIndexes(db), ({ relation }) => relation)
  const keysOf = Map.groupBy(keys, ({ relation }) => relation)
  const views = relations.filter(({ kind }) => kind === 'view')
  const tables = relations.filter(({ kind }) => kind === 'table')
  const sections = (list: readonly Relation[]) =>
    list.flatMap((relation) => {
      const name = nameOf(relation)
      return relationLines(relation, columns.get(name) ?? [], keysOf.get(name) ?? [], indexes.get(name) ?? [])
    })
  const lines = [
    INTRODUCTION,
    '## The views: `identifai_reporting`',
    '',
    'For analysts and their tools. [bi.md](bi.md) shows how to connect, and has example queries with their results.',
    '',
    ...contents(views),
    ...sections(views),
    '## The tables: `identifai`',
    '',
    ...diagram(tables, columns, keys),
    ...contents(tables),
    ...sections(tables),
  ]
  return linkTerms('docs/schema.md', lines.join('\n'))
}

const INTRODUCTION = `# The schema

For analysts and developers. After reading this page, you know every view, table and column. The descriptions are the comments
in the database, from which \`npm run docs:schema\` writes this page.
`

function contents(relations: readonly Relation[]): string[] {
  return [
    ...relations.map(
      (relation) =>
        `- [${relation.name}](#${nameOf(relation).replace('.', '')}): ${text(firstSentence(relation.comment))}`,
    ),
    '',
  ]
}

function firstSentence(comment: string): string {
  return /^.*?[.:](?= |$)/.exec(comment)?.[0].replace(/:$/, '.') ?? comment
}

function relationLines(
  relation: Relation,
  columns: readonly Column[],
  keys: readonly Key[],
  indexes: readonly Index[],
): string[] {
  return [
    // The heading has the schema, because it is an address, and some tables and views have the same name.
    `### ${nameOf(relation)}`,
    '',
    text(relation.comment),
    '',
    '| column | type | |',
    '| --- | --- | --- |',
    ...columns.map((column) => `| ${column.name} | ${typeOf(column)} | ${text(column.comment)} |`),
    '',
    ...bulletList(
      'Keys',
      keys.map(({ definition }) => definition),
    ),
    ...bulletList(
      'Indexes',
      indexes.map(({ definition }) => definition),
    ),
  ]
}

function typeOf({ type, isNullable, defaultTo }: Column): string {
  const more = [
    ...(isNullable ? [] : ['not null']),
    ...(defaultTo === null ? [] : [`default \`${defaultTo}\``]),
  ]
  return [type, ...more].join(', ')
}

function bulletList(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, '', ...lines.map((line) => `- \`${line}\``), '']
}

/** The tables with their primary keys, and the references between them: by foreign key, or by the same number without one. */
function diagram(
  tables: readonly Relation[],
  columns: ReadonlyMap<string, readonly Column[]>,
  keys: readonly Key[],
): string[] {
  const foreign = keys.filter(({ type }) => type === 'f')
  const carries = tables.filter(
    ({ name }) => name === 'classifications' || name === 'classification_revisions',
  )
  const entity = (table: Relation) => {
    const primary = keys.find(({ relation, type }) => relation === nameOf(table) && type === 'p')
    const shown = (columns.get(nameOf(table)) ?? []).filter(({ name }) => primary?.columns.includes(name))
    return [
      `  ${table.name} {`,
      ...shown.map(({ name, type }) => `    ${type.replaceAll(/\W+/g, '_')} ${name} PK`),
      '  }',
    ]
  }
  return [
    'Solid lines are foreign keys. Broken lines are equal numbers without a foreign key: history must not depend on tracked identifiers, and a first load must be fast.',
    '',
    '```mermaid',
    'erDiagram',
    ...tables.filter(({ name }) => !name.startsWith('schema_migrations')).flatMap(entity),
    ...carries.map(
      ({ name }) =>
        `  identifiers ||..${name === 'classifications' ? 'o|' : 'o{'} ${name} : "id is classification_id"`,
    ),
    ...foreign.map(
      ({ relation, target, columns: of }) =>
        `  ${target?.split('.')[1] ?? ''} ||--o{ ${relation.split('.')[1] ?? ''} : "${of.join(', ')}"`,
    ),
    '  clips ||..o{ model_results : "classification_id, clip_no"',
    '  sync_runs ||..o{ classification_revisions : run_id',
    '  sync_runs ||..o{ chain_leaves : chain_position',
    '  sync_runs ||..o{ chain_timestamps : chain_position',
    '```',
    '',
  ]
}

/** Escaped for a cell of a Markdown table. */
function text(comment: string): string {
  return comment.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*')
}

function nameOf({ schema, name }: Relation): string {
  return `${schema}.${name}`
}

const OURS = sql`s.nspname in ('identifai', 'identifai_reporting')`

async function readRelations(db: Kysely<Database>): Promise<Relation[]> {
  const { rows } = await sql<Relation>`
    select s.nspname as schema, c.relname as name, case c.relkind when 'v' then 'view' else 'table' end as kind,
      obj_description(c.oid, 'pg_class') as comment
    from pg_class as c join pg_namespace as s on s.oid = c.relnamespace
    where ${OURS} and c.relkind in ('r', 'v') order by c.oid`.execute(db)
  return rows
}

async function readColumns(db: Kysely<Database>): Promise<Column[]> {
  const { rows } = await sql<Column>`
    select s.nspname || '.' || c.relname as relation, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
      not a.attnotnull as "isNullable",
      case when c.relkind = 'v' then null when a.attidentity <> '' then 'identity'
        else pg_get_expr(d.adbin, d.adrelid) end as "defaultTo",
      col_description(c.oid, a.attnum) as comment
    from pg_class as c join pg_namespace as s on s.oid = c.relnamespace
    join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
    where ${OURS} and c.relkind in ('r', 'v') order by c.oid, a.attnum`.execute(db)
  return rows
}

async function readKeys(db: Kysely<Database>): Promise<Key[]> {
  const { rows } = await sql<Key>`
    select s.nspname || '.' || c.relname as relation, k.contype as type, pg_get_constraintdef(k.oid) as definition,
      array(select a.attname::text from unnest(k.conkey) with ordinality as u (attnum, n)
        join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = u.attnum order by n) as columns,
      t.nspname || '.' || target.relname as target
    from pg_constraint as k join pg_class as c on c.oid = k.conrelid join pg_namespace as s on s.oid = c.relnamespace
    left join pg_class as target on target.oid = k.confrelid left join pg_namespace as t on t.oid = target.relnamespace
    where ${OURS} and k.contype in ('p', 'u', 'f') order by c.oid, k.contype desc, k.conname`.execute(db)
  return rows
}

/** Indexes that do not belong to a constraint. */
async function readIndexes(db: Kysely<Database>): Promise<Index[]> {
  const { rows } = await sql<Index>`
    select s.nspname || '.' || c.relname as relation,
      regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX (\\S+) ON \\S+ USING ', '\\2: \\1') as definition
    from pg_index as i join pg_class as c on c.oid = i.indrelid join pg_namespace as s on s.oid = c.relnamespace
    where ${OURS} and not exists (select from pg_constraint as k where k.conindid = i.indexrelid)
    order by c.oid, i.indexrelid`.execute(db)
  return rows
}
