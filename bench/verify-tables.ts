/**
 * Times the command `report verify --tables` after a first load through the API.
 *
 * npm run bench:verify-tables [-- --identifiers 100000 --clips 8]
 */
import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../src/devkit/embedded-postgres/start-embedded-postgres.ts'
import { createBenchDatabase } from './loading/databases.ts'
import { startPayloadServer } from './loading/payload-server.ts'
import { runProcess } from './loading/run-process.ts'
import { COMMAND, runSync } from './loading/sync.ts'

const { values } = parseArgs({
  options: {
    identifiers: { type: 'string', default: '100000' },
    clips: { type: 'string', default: '8' },
  },
})

await using postgres = await startEmbeddedPostgres()
await using database = await createBenchDatabase(postgres, Number(values.identifiers))
using api = await startPayloadServer(Number(values.clips))
const loaded = await runSync({ databaseUrl: database.url, apiUrl: api.url })
await database.pool.query('vacuum analyze')
console.log(
  `${values.identifiers} classifications with ${values.clips} clips, loaded in ${loaded.seconds.toFixed(0)} s`,
)
for (const options of [[], ['--tables']]) {
  const startedAt = performance.now()
  const { megabytes, cpuSeconds } = await runProcess(COMMAND, ['report', 'verify', ...options], {
    DATABASE_URL: database.url,
  })
  const seconds = (performance.now() - startedAt) / 1000
  console.log(
    `report verify ${options.join(' ')}: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of them in the processor, at most ${megabytes} MB of memory`,
  )
}
