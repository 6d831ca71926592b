import { migrationStatements } from './migration-statements.ts'

/** An object with code that the migrations create. */
export interface Definition {
  readonly kind: 'view' | 'function' | 'aggregate' | 'trigger'
  readonly schema: string
  readonly name: string
  /** The table of a trigger. */
  readonly table: string | undefined
  /** The statement that creates it. */
  readonly statement: string
}

/** The beginning of such a statement: kind, schema and name. */
export const CREATE = /^\s*create (?:or replace )?(view|function|aggregate|trigger) (?:"?(\w+)"?\.)?"?(\w+)"?/

/** The table of a trigger. */
export const ON_TABLE = /\bon identifai\."?(\w+)"?/

/** The views, functions and triggers that the migrations leave: a later statement replaces an earlier one. */
export async function readDefinitions(): Promise<Definition[]> {
  const definitions = new Map<string, Definition>()
  for (const statement of await migrationStatements()) {
    const [, kind, schema = 'identifai', name] = CREATE.exec(statement) ?? []
    if (kind === undefined || name === undefined) continue
    const table = kind === 'trigger' ? ON_TABLE.exec(statement)?.[1] : undefined
    definitions.set(`${kind} ${name}`, { kind, schema, name, table, statement } as Definition)
  }
  return [...definitions.values()]
}
