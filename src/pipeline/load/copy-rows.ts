import { finished } from 'node:stream/promises'
import type { PoolClient } from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { binaryRows } from './binary-rows.ts'
import { BINARY_TABLES, type BinaryTables } from './binary-tables.ts'
import { textRows } from './text-rows.ts'

/**
 * Appends rows by COPY, the fastest way in, within the client's transaction; in its text format, in which times and
 * arrays are as plain as the rest.
 *
 * @param table Qualified name; like `columns` it comes from our own code, never from outside.
 */
export async function copyRows<Row extends object>(
  client: PoolClient,
  table: string,
  columns: readonly (keyof Row & string)[],
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return
  await copyIn(client, `copy ${table} (${columns.join(', ')}) from stdin`, textRows(columns, rows))
}

/** Appends rows by COPY in its binary format, which spares both sides the writing and reading of text. */
export async function copyBinaryRows<Table extends keyof BinaryTables>(
  client: PoolClient,
  table: Table,
  rows: readonly BinaryTables[Table][],
): Promise<void> {
  if (rows.length === 0) return
  const columns = BINARY_TABLES[table]
  const names = Object.keys(columns).join(', ')
  await copyIn(
    client,
    `copy identifai.${table} (${names}) from stdin (format binary)`,
    binaryRows(columns, rows),
  )
}

async function copyIn(client: PoolClient, statement: string, data: string | Buffer): Promise<void> {
  const stream = client.query(copyFrom(statement))
  stream.end(data)
  await finished(stream)
}
