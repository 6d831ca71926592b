import { writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { linkTerms } from '../../scripts/words/link-terms.ts'
import { type Backlog, SMALL } from './measure-backlog.ts'
import type { Loading } from './measure-loading.ts'
import type { Memory } from './measure-memory.ts'
import type { Sizes } from './measure-sizes.ts'
import { CONCURRENCY } from './sync.ts'

const FILE = path.resolve(import.meta.dirname, '../../docs/benchmarks.md')

export interface Results {
  readonly size: { readonly identifiers: number; readonly rounds: number }
  readonly loading: Loading
  readonly backlog: Backlog
  readonly memory: Memory
  readonly sizes: Sizes
}

/** Writes the measurements to docs/benchmarks.md, ratios first. */
export function writeReport(results: Results): void {
  const text = linkTerms('docs/benchmarks.md', report(results))
  writeFileSync(FILE, text)
  console.log(text)
}

function times(value: number): string {
  return `${value.toFixed(2)} times`
}

function report({ size, loading, backlog, memory, sizes }: Results): string {
  const { medianOf, ratio } = loading
  const allRows = loading.rowsEach * size.identifiers
  const longRows = loading.rowsEachLong * loading.longIdentifiers
  const longAgainstShort = longRows / medianOf('long') / (allRows / medianOf('sync'))
  const bars = [
    ['first load against COPY of the same rows, one stream', ratio('copyOne', 'sync'), 'at least 1.0', 1.0],
    [
      'first load against the straightforward Kysely implementation',
      ratio('kysely', 'sync'),
      'at least 2',
      2,
    ],
    ...(loading.dltVersion === null
      ? []
      : [['first load against dlt, fastest settings', ratio('dlt', 'sync'), 'at least 8', 8] as const]),
    ['refresh of unchanged data against first load', ratio('sync', 'refresh'), 'at least 6', 6],
    ['two processes against one, first load', ratio('sync', 'twoProcesses'), 'at least 1', 1],
    ['rows per second at 60 clips against 8 clips', longAgainstShort, 'at least 0.9', 0.9],
  ] as const
  const costs = [
    ['claim of 100, large backlog against small', backlog.large.claimMs / backlog.small.claimMs, 1.5],
    ['whole run, large backlog against small', backlog.runRatio, 1.05],
    ['peak memory, fleet against a tenth of it', memory.whole.megabytes / memory.tenth.megabytes, 1.1],
  ] as const
  return `# Benchmarks

For developers, and for operators who plan a large volume. After reading this page, you know the speed, the memory and the
size of the product, compared with other ways to load the same data. \`npm run bench\` writes this page.

The figures are medians of ${size.rounds} rounds. Each round runs all candidates, in another order. A ratio compares two figures of
one round. The machine has ${os.availableParallelism()} cores (${os.cpus()[0]?.model.trim()}) and Node ${process.versions.node}. The embedded PostgreSQL has no durability,
for all candidates. Seconds differ from machine to machine, and ratios less.

| speed | measured | bar | |
| --- | --- | --- | --- |
${bars.map(([what, value, bar, least]) => `| ${what} | ${times(value)} | ${bar} | ${value >= least ? 'met' : '**missed**'} |`).join('\n')}

| cost | measured | bar | |
| --- | --- | --- | --- |
${costs.map(([what, value, most]) => `| ${what} | ${times(value)} | at most ${most} | ${value <= most ? 'met' : '**missed**'} |`).join('\n')}
| peak memory of the fleet | ${memory.whole.megabytes} MB | under 256 MB | ${memory.whole.megabytes < 256 ? 'met' : '**missed**'} |
| rows of the data tables written by refreshes of unchanged data | ${loading.refreshWrites} | none | ${loading.refreshWrites === 0 ? 'met' : '**missed**'} |

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
    ['COPY of the same rows, one stream, in its binary format', medianOf('copyBinary'), allRows],
    [`COPY of the same rows, ${CONCURRENCY} streams`, medianOf('copyMany'), allRows],
    ['COPY of the same rows without any key or index, one stream', medianOf('copyBare'), allRows],
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
- **COPY** loads the rows that the sync has written from files, in one transaction a stream, as text unless noted. The tables,
  keys, foreign keys and indexes are the same: results, history and payloads. COPY does not request, check, hash or seal, and it
  tracks no identifiers. The sync sends large tables in the binary format. Compared with COPY in that format, a first load is
  ${times(ratio('copyBinary', 'sync'))} as fast.
- **Kysely** is a straightforward implementation (\`bench/loading/kysely-peer.ts\`). It has the same contract and normalizer, inserts
  several rows a statement, and does one thing at a time, in one transaction a batch. It writes the same rows, but it has no
  leases, compares nothing and seals nothing.
- **dlt** creates a table with its own keys for each nested list. It has no foreign keys, no other indexes, no history, no queue
  and no contract. Its fastest settings are pages, requests in threads, CSV with COPY, and a normalizing process for each core.
- **Refresh** is the next nightly run. All identifiers are due, nothing has changed, and autovacuum has run.

${
  loading.dltVersion === null
    ? ''
    : `The keys limit the ratio to dlt. Plain COPY of these rows, with their keys, foreign keys and indexes, is only ${times(ratio('dlt', 'copyOne'))} as
fast as dlt, which has none of them. Without any key, COPY is ${times(ratio('dlt', 'copyBare'))} as fast. So no program can load these tables with their
keys eight times as fast as dlt on this machine.`
}

## Backlog and memory

| | ${backlog.small.identifiers.toLocaleString('en-US')} due | ${backlog.large.identifiers.toLocaleString('en-US')} due |
| --- | --- | --- |
| claim of 100 | ${backlog.small.claimMs.toFixed(1)} ms | ${backlog.large.claimMs.toFixed(1)} ms |
| run that requests ${SMALL.toLocaleString('en-US')} | ${backlog.small.runSeconds.toFixed(2)} s | ${backlog.large.runSeconds.toFixed(2)} s |

The end of a run counts the tracked identifiers. With the large backlog, this takes ${backlog.large.countSeconds.totals.toFixed(2)} s for any number of requests.
Reading the pages of this table with all cores takes ${backlog.large.countSeconds.reading.toFixed(2)} s of that.

A first load of ${memory.whole.identifiers.toLocaleString('en-US')} identifiers uses at most ${memory.whole.megabytes} MB of memory, and one of ${memory.tenth.identifiers.toLocaleString('en-US')} uses ${memory.tenth.megabytes} MB.

## Size on disk

The sizes are in gigabytes, for a million classifications of 140 rows. They include indexes, and no dead rows. The columns are
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
`
}

function gigabytes(value: number | undefined): string {
  return (value ?? 0).toFixed(1)
}

function sum(values: Readonly<Record<string, number>>): number {
  return Object.values(values).reduce((total, value) => total + value, 0)
}
