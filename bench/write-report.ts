import { writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { linkTerms } from '../scripts/words/link-terms.ts'
import { type Backlog, SMALL } from './loading/measure-backlog.ts'
import type { Fleet } from './loading/measure-fleet.ts'
import type { HalfQuota } from './loading/measure-half-quota.ts'
import type { HeldSnapshot } from './loading/measure-held-snapshot.ts'
import type { Loading } from './loading/measure-loading.ts'
import type { Sizes } from './loading/measure-sizes.ts'
import { CONCURRENCY } from './loading/sync.ts'
import type { ViewTime } from './views/measure-views.ts'

const FILE = path.resolve(import.meta.dirname, '../docs/benchmarks.md')

export interface Results {
  readonly size: { readonly identifiers: number; readonly rounds: number; readonly classifications: number }
  readonly loading: Loading
  readonly backlog: Backlog
  readonly fleet: Fleet
  readonly heldSnapshot: HeldSnapshot
  readonly halfQuota: HalfQuota
  readonly sizes: Sizes
  readonly views: readonly ViewTime[]
}

/** Writes the measurements to docs/benchmarks.md, those with bars first. */
export function writeReport(results: Results): void {
  const text = linkTerms('docs/benchmarks.md', report(results))
  writeFileSync(FILE, text)
  console.log(text)
}

/** A measurement and its bar. */
interface Bar {
  readonly what: string
  readonly value: number
  readonly bound: { readonly least: number } | { readonly most: number }
  readonly write: (value: number) => string
}

function barsOf({ loading, backlog, fleet, heldSnapshot, halfQuota, sizes }: Results): readonly Bar[] {
  const { ratio } = loading
  const longRows = loading.rowsEachLong * loading.longIdentifiers
  const rows = loading.rowsEach * loading.identifiers
  const longAgainstShort = longRows / loading.medianOf('long') / (rows / loading.medianOf('sync'))
  return [
    least('speed of a first load, against COPY of its own rows, one stream', ratio('copyOne', 'sync'), 0.65),
    least(
      'speed of a first load, against COPY of the records into one jsonb column',
      ratio('copyRecords', 'sync'),
      0.22,
    ),
    least(
      'speed of a first load, against the straightforward Kysely implementation',
      ratio('kysely', 'sync'),
      2,
    ),
    ...(loading.dltVersion === null
      ? []
      : [least('speed of a first load, against dlt with its fastest settings', ratio('dlt', 'sync'), 3)]),
    least('speed of two processes, against one', ratio('sync', 'twoProcesses'), 1),
    least('rows a second with 60 clips, against 8 clips', longAgainstShort, 0.9),
    most(
      'time of a refresh, against COPY of the records into one jsonb column',
      ratio('refresh', 'copyRecords'),
      0.9,
    ),
    most('rows of the data tables that refreshes wrote', loading.refreshWrites, 0, String),
    ...heldSnapshot.ratios.map((value, position) =>
      most(
        `time of refresh ${position + 1} of ${heldSnapshot.identifiers.toLocaleString('en-US')} while a snapshot is held, against none`,
        value,
        1.3,
      ),
    ),
    most('rows of a classification', loading.rowsEach, 45, String),
    most(
      'disk of a million classifications',
      sum(sizes.firstLoad),
      11.5,
      (value) => `${gigabytes(value)} GB`,
    ),
    most('WAL of a million first loads', sizes.wal.firstLoad, 14, (value) => `${gigabytes(value)} GB`),
    most("Node's processor time of a record", fleet.cpuMs, 0.45, (value) => `${value.toFixed(2)} ms`),
    most('peak memory of the fleet', fleet.whole.megabytes, 225, (value) => `${value} MB`),
    most(
      'peak memory of the fleet, against a tenth of it',
      fleet.whole.megabytes / fleet.tenth.megabytes,
      1.1,
    ),
    most('claim of 100, large backlog against small', backlog.large.claimMs / backlog.small.claimMs, 1.5),
    most('whole run, large backlog against small', backlog.runRatio, 1.05),
    most(
      'count at the end of a run, large backlog',
      backlog.large.countSeconds.totals,
      2,
      (value) => `${value.toFixed(2)} s`,
    ),
    most('requests with status 429 at half of the quota', halfQuota.throttled, 0.1, percent),
    least('use of that quota', halfQuota.used, 0.9),
  ]
}

function least(what: string, value: number, bar: number): Bar {
  return { what, value, bound: { least: bar }, write: times }
}

function most(what: string, value: number, bar: number, write: Bar['write'] = times): Bar {
  return { what, value, bound: { most: bar }, write }
}

function row({ what, value, bound, write }: Bar): string {
  const [words, bar] = 'least' in bound ? ['at least', bound.least] : ['at most', bound.most]
  const isMet = 'least' in bound ? value >= bar : value <= bar
  return `| ${what} | ${write(value)} | ${words} ${write(bar)} | ${isMet ? 'met' : '**missed**'} |`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`
}

function times(value: number): string {
  return `${value.toFixed(2)} times`
}

function report(results: Results): string {
  const { size, loading, backlog, fleet, sizes, views } = results
  const { medianOf } = loading
  const allRows = loading.rowsEach * size.identifiers
  const longRows = loading.rowsEachLong * loading.longIdentifiers
  return `# Benchmarks

For developers, and for operators who plan a large volume. After reading this page, you know the speed, the memory and the
size of the product, compared with other ways to load the same data. \`npm run bench\` writes this page.

The figures are medians of ${size.rounds} rounds. Each round runs all candidates, in another order. A ratio compares two figures of
one round. The machine has ${os.availableParallelism()} cores (${os.cpus()[0]?.model.trim()}) and Node ${process.versions.node}. The embedded PostgreSQL has no durability,
for all candidates. Seconds differ from machine to machine, and ratios less.

| | measured | bar | |
| --- | --- | --- | --- |
${barsOf(results).map(row).join('\n')}

## Candidates

Each candidate loads ${size.identifiers.toLocaleString('en-US')} identifiers of 64 hex digits. A separate process serves prepared responses over loopback. A record
has a main verdict, three heuristics, three models and 8 clips: ${loading.rowsEach} rows. For records with 60 clips (${loading.rowsEachLong} rows each), there
are ${loading.longIdentifiers.toLocaleString('en-US')} identifiers.

| | seconds | rows a second |
| --- | --- | --- |
${(
  [
    ['first load: HTTP, contract, rows, revision, queue, sealed', medianOf('sync'), allRows],
    ['the same in two processes', medianOf('twoProcesses'), allRows],
    ['the same with 60 clips', medianOf('long'), longRows],
    ['COPY of the same rows, one stream', medianOf('copyOne'), allRows],
    [`COPY of the same rows, ${CONCURRENCY} streams`, medianOf('copyMany'), allRows],
    ['COPY of the same rows without any key or index, one stream', medianOf('copyBare'), allRows],
    ['COPY of the records into one jsonb column', medianOf('copyRecords'), null],
    ['straightforward Kysely implementation', medianOf('kysely'), allRows],
    ...(loading.dltVersion === null
      ? []
      : ([
          [`dlt ${loading.dltVersion}, fastest settings`, medianOf('dlt'), null],
          [`dlt ${loading.dltVersion}, as it comes`, medianOf('dltDefaults'), null],
        ] as const)),
    ['refresh of unchanged data', medianOf('refresh'), null],
  ] as const
)
  .map(
    ([what, seconds, rows]) =>
      `| ${what} | ${seconds.toFixed(2)} | ${rows === null ? '' : Math.round(rows / seconds).toLocaleString('en-US')} |`,
  )
  .join('\n')}

- **Sync** is the installed command with \`SYNC_CONCURRENCY=${CONCURRENCY}\` and an unlimited quota. The time is that of the run, including the
  sealing, and without the start of the process.
- **COPY** loads the rows that the sync has written from files, in one transaction a stream. The tables,
  keys, foreign keys and indexes are the same: results, history and payloads. COPY does not request, check, hash or seal, and it
  tracks no identifiers. COPY of the records writes one table with a primary key and one jsonb column.
- **Kysely** is a straightforward implementation (\`bench/loading/kysely-peer.ts\`). It has the same contract and normalizer, inserts
  several rows a statement, and does one thing at a time, in one transaction a batch. It writes the same rows, but it has no
  leases, compares nothing and seals nothing.
- **dlt** creates a table with its own keys for each nested list. It has no foreign keys, no other indexes, no history, no queue
  and no contract. Its fastest settings are pages, requests in threads, CSV with COPY, and a normalizing process for each core.
- **Refresh** is the next nightly run. All identifiers are due, nothing has changed, and autovacuum has run.

## Backlog and memory

| | ${backlog.small.identifiers.toLocaleString('en-US')} due | ${backlog.large.identifiers.toLocaleString('en-US')} due |
| --- | --- | --- |
| claim of 100 | ${backlog.small.claimMs.toFixed(1)} ms | ${backlog.large.claimMs.toFixed(1)} ms |
| run that requests ${SMALL.toLocaleString('en-US')} | ${backlog.small.runSeconds.toFixed(2)} s | ${backlog.large.runSeconds.toFixed(2)} s |

The end of a run counts the tracked identifiers. With the large backlog, this takes ${backlog.large.countSeconds.totals.toFixed(2)} s for any number of requests.
Reading the pages of this table with all cores takes ${backlog.large.countSeconds.reading.toFixed(2)} s of that.

A first load of ${fleet.whole.identifiers.toLocaleString('en-US')} identifiers uses at most ${fleet.whole.megabytes} MB of memory, and one of ${fleet.tenth.identifiers.toLocaleString('en-US')} uses ${fleet.tenth.megabytes} MB. The
processor time of a record is the difference of the two in processor time, divided by their difference in records. It includes
the system calls and the garbage collection.

A snapshot is held by a session that PostgreSQL keeps old versions of rows for: a backup, a long report, or a standby with
feedback. At half of the quota, the account allows 30 requests a minute, and 60 are configured. The figures begin after the
first minute of a run of five minutes.

## Size on disk

The sizes are in gigabytes, for a million classifications of ${loading.rowsEach} rows. They include indexes, and no dead rows. The columns are
the sizes after a first load, after each content has changed once, and after \`prune\` has deleted the superseded payloads.

| table | first load | changed once | pruned |
| --- | --- | --- | --- |
${Object.keys(sizes.changedOnce)
  .map(
    (table) =>
      `| ${table} | ${gigabytes(sizes.firstLoad[table])} | ${gigabytes(sizes.changedOnce[table])} | ${gigabytes(sizes.pruned[table])} |`,
  )
  .join('\n')}
| all | ${gigabytes(sum(sizes.firstLoad))} | ${gigabytes(sum(sizes.changedOnce))} | ${gigabytes(sum(sizes.pruned))} |

A million first loads write ${gigabytes(sizes.wal.firstLoad)} GB of WAL, and a million refreshes without a change write ${gigabytes(sizes.wal.refresh)} GB. Full-page images are
additional.

## Views

The times are medians of five, over ${size.classifications.toLocaleString('en-US')} classifications with eight clips each. The settings of PostgreSQL are the defaults,
except \`work_mem = '64MB'\`. Queries over the last 30 days run again with the settings that \`grant-reader\` sets for its role.
This PostgreSQL has no JIT compilation. For a view with several rows a classification, the bar for
all rows is 1.5 times the time of \`count(*)\` over its table.

| view | query | milliseconds | as a reader | bar | |
| --- | --- | --- | --- | --- | --- |
${views.map(viewRow).join('\n')}
`
}

function viewRow({ view, what, milliseconds, readerMs, barMs }: ViewTime): string {
  const verdict = milliseconds <= barMs ? 'met' : '**missed**'
  return `| ${view} | ${what} | ${milliseconds.toFixed(0)} | ${readerMs?.toFixed(0) ?? ''} | ${barMs.toFixed(0)} | ${verdict} |`
}

function gigabytes(value: number | undefined): string {
  return (value ?? 0).toFixed(1)
}

function sum(values: Readonly<Record<string, number>>): number {
  return Object.values(values).reduce((total, value) => total + value, 0)
}
