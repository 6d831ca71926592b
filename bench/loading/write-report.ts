import { writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
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
  const text = report(results)
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

What \`npm run bench\` measured last: medians of ${size.rounds} rounds in which each takes its turn, in another order each time, on ${os.availableParallelism()} cores
(${os.cpus()[0]?.model.trim()}), Node ${process.versions.node}, the embedded PostgreSQL with durability switched off for all alike.
Ratios are of one round, and the median of them; seconds differ from machine to machine.

| speed | measured | bar | |
| --- | --- | --- | --- |
${bars.map(([what, value, bar, least]) => `| ${what} | ${times(value)} | ${bar} | ${value >= least ? 'met' : '**missed**'} |`).join('\n')}

| cost | measured | bar | |
| --- | --- | --- | --- |
${costs.map(([what, value, most]) => `| ${what} | ${times(value)} | at most ${most} | ${value <= most ? 'met' : '**missed**'} |`).join('\n')}
| peak memory of the fleet | ${memory.whole.megabytes} MB | under 256 MB | ${memory.whole.megabytes < 256 ? 'met' : '**missed**'} |
| rows of the data tables written by refreshes of unchanged data | ${loading.refreshWrites} | none | ${loading.refreshWrites === 0 ? 'met' : '**missed**'} |

## What was run

${size.identifiers.toLocaleString('en-US')} identifiers of 64 hex digits, served over loopback by a process of its own from prepared bodies: a main verdict, three
heuristics, three models, 8 clips, ${loading.rowsEach} rows each. Of the shape with 60 clips, ${loading.rowsEachLong} rows each, it is ${loading.longIdentifiers.toLocaleString('en-US')} identifiers.

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

- **Sync** is the command as it is installed, \`SYNC_CONCURRENCY=${CONCURRENCY}\`, at a quota that limits nothing, timed by its run's row: without the
  start of the process, with the sealing.
- **COPY** loads what the sync has written (results, history and payloads: the same tables, keys, foreign keys and indexes) from files,
  in one transaction a stream, as text unless noted. It fetches, checks, hashes and seals nothing, and tracks no identifiers. The sync
  itself sends what is many in the binary format; against COPY in that format its first load is ${times(ratio('copyBinary', 'sync'))} as fast.
- **Kysely** is a straightforward implementation (\`bench/loading/kysely-peer.ts\`): our contract and normalizer, multi-row inserts, one
  transaction a batch, nothing at the same time. It writes the same rows, but keeps no lease, compares with nothing and seals nothing.
- **dlt** makes a table of each nested list with keys of its own; it writes no foreign keys, no indexes but for those keys, no history and
  no queue, and checks no contract. Its fastest settings: pages, requests in threads, CSV by COPY, a normalizing process a core.
- **Refresh** is the next nightly run: all is due, nothing has changed, autovacuum has run.

${
  loading.dltVersion === null
    ? ''
    : `What limits it against dlt: plain COPY of these rows, with their keys, foreign keys and indexes, is itself only ${times(ratio('dlt', 'copyOne'))} as fast as
dlt, which writes none of them; without any, ${times(ratio('dlt', 'copyBare'))}. What loads these tables with their keys on this machine cannot be eight times as fast as dlt.`
}

A backlog of ${backlog.large.identifiers.toLocaleString('en-US')} due identifiers: a claim of 100 takes ${backlog.large.claimMs.toFixed(1)} ms, at ${backlog.small.identifiers.toLocaleString('en-US')} ${backlog.small.claimMs.toFixed(1)} ms; a run that requests
${SMALL.toLocaleString('en-US')} of them ${backlog.large.runSeconds.toFixed(2)} and ${backlog.small.runSeconds.toFixed(2)} s. Its end counts the tracked identifiers, which takes ${backlog.large.countSeconds.totals.toFixed(2)} s of the former for any number of requests;
reading the pages of that table, with all cores, takes ${backlog.large.countSeconds.reading.toFixed(2)} s alone.

A first load of ${memory.whole.identifiers.toLocaleString('en-US')} identifiers held at most
${memory.whole.megabytes} MB of memory, one of ${memory.tenth.identifiers.toLocaleString('en-US')} ${memory.tenth.megabytes} MB.

## Size on disk

Gigabytes for a million classifications of 140 rows, tables with their indexes, without dead rows: after a first load; when each content has
changed once; and after \`prune\` has taken the records of what was superseded.

| table | first load | changed once | pruned |
| --- | --- | --- | --- |
${Object.keys(sizes.changedOnce)
  .map(
    (table) =>
      `| ${table} | ${gigabytes(sizes.firstLoad[table])} | ${gigabytes(sizes.changedOnce[table])} | ${gigabytes(sizes.pruned[table])} |`,
  )
  .join('\n')}
| all | ${gigabytes(sum(sizes.firstLoad))} | ${gigabytes(sum(sizes.changedOnce))} | ${gigabytes(sum(sizes.pruned))} |

To the WAL, without full-page images, a million first loads write ${gigabytes(sizes.wal.firstLoad)} GB, a million refreshes without a change
${gigabytes(sizes.wal.refresh)} GB.
`
}

function gigabytes(value: number | undefined): string {
  return (value ?? 0).toFixed(1)
}

function sum(values: Readonly<Record<string, number>>): number {
  return Object.values(values).reduce((total, value) => total + value, 0)
}
