import { megabytes } from './find-problems.ts'
import type { Plan } from './distribute.ts'

/** A plan as SQL; facts and problems are comments. */
export function describePlan({ cluster, problems, statements }: Plan): string {
  const facts =
    cluster === undefined
      ? ['The database does not have Citus.']
      : [
          `Citus ${cluster.version}. Size of the data tables: ${megabytes(cluster.bytes)}.`,
          ...[cluster.coordinator, ...cluster.workers].map(
            ({ name, freeBytes }) => `${name}: ${megabytes(freeBytes)} of disk space left`,
          ),
        ]
  return [
    ...facts.map(asComment),
    ...problems.map(({ message }) => asComment(`Problem: ${message}`)),
    ...(statements.length === 0 ? [asComment('Nothing has to be done.')] : []),
    ...statements.map((statement) => `${statement};`),
  ].join('\n')
}

function asComment(text: string): string {
  return `-- ${text.replaceAll('\n', '\n-- ')}`
}
