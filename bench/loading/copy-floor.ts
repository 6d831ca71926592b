import { createReadStream, createWriteStream } from 'node:fs'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { DATA_TABLES } from '../../src/media/registry.ts'
import type { BenchDatabase } from './databases.ts'

/** Writes the rows that a run has loaded to files for COPY, one per table and stream. */
export async function saveRows(database: BenchDatabase, folder: string, streams: number): Promise<void> {
  const client = await database.pool.connect()
  for (const { name: table } of DATA_TABLES) {
    for (let stream = 0; stream < streams; stream++) {
      const rows = `select * from identifai.${table} where classification_id % ${streams} = ${stream} order by 1, 2`
      await pipeline(
        client.query(copyTo(`copy (${rows}) to stdout`)),
        createWriteStream(file(folder, table, stream, streams)),
      )
    }
  }
  client.release()
}

/** Seconds that plain COPY takes for the same rows, with one transaction per stream, table after table. */
export async function copyRows(database: BenchDatabase, folder: string, streams: number): Promise<number> {
  const startedAt = performance.now()
  await Promise.all(
    Array.from({ length: streams }, async (_, stream) => {
      const client = await database.pool.connect()
      await client.query('begin')
      for (const { name: table } of DATA_TABLES) {
        await pipeline(
          createReadStream(file(folder, table, stream, streams), { highWaterMark: 1024 * 1024 }),
          client.query(copyFrom(`copy identifai.${table} from stdin`)),
        )
      }
      await client.query('commit')
      client.release()
    }),
  )
  return (performance.now() - startedAt) / 1000
}

/** Writes the records that a run has loaded to a file for COPY into one jsonb column. */
export async function saveRecords({ pool }: BenchDatabase, folder: string): Promise<void> {
  const client = await pool.connect()
  await pipeline(
    client.query(
      copyTo(
        'copy (select classification_id, payload from identifai.revision_payloads order by 1) to stdout',
      ),
    ),
    createWriteStream(path.join(folder, RECORDS)),
  )
  client.release()
}

/** Seconds that plain COPY takes for the same records in a table with a primary key and one jsonb column. */
export async function copyRecords({ pool }: BenchDatabase, folder: string): Promise<number> {
  const client = await pool.connect()
  await client.query('create table records (id bigint primary key, record jsonb not null)')
  const startedAt = performance.now()
  await pipeline(
    createReadStream(path.join(folder, RECORDS), { highWaterMark: 1024 * 1024 }),
    client.query(copyFrom('copy records from stdin')),
  )
  client.release()
  return (performance.now() - startedAt) / 1000
}

const RECORDS = 'records.text'

function file(folder: string, table: string, stream: number, streams: number): string {
  return path.join(folder, `${table}.${stream}-of-${streams}.text`)
}
