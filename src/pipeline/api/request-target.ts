/**
 * The path and query that asks for these identifiers. Brackets stay raw: encoded, a hundred identifiers of 64
 * digits would pass the 8 KiB that many servers allow a request line.
 */
export function requestTarget(path: string, identifiers: readonly string[]): string {
  return `${path}?${identifiers.map(queryPart).join('&')}`
}

/** Bytes of a target before the query. */
export function targetPathBytes(apiUrl: string, path: string): number {
  return new URL(apiUrl + path).pathname.length
}

/** Bytes that one identifier adds to a target, its separator included. */
export function targetBytes(identifier: string): number {
  return queryPart(identifier).length + 1
}

function queryPart(identifier: string): string {
  return `identifiers[]=${encodeURIComponent(identifier)}`
}
