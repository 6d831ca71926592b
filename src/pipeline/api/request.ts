/**
 * The path and query that request these identifiers. Brackets stay raw, because encoded a hundred identifiers of 64 digits
 * would exceed the 8 KiB that many servers accept in a request line.
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

export interface RequestBounds {
  /** Bytes of the target before the query. */
  readonly pathBytes: number
  /** Bytes of the whole target at most. */
  readonly maxBytes: number
}

interface Item {
  readonly identifier: string
  /** Most identifiers that a request with this one may hold; null when the request may be full. */
  readonly requestLimit: number | null
}

/**
 * Splits identifiers, in their order, into those of the next request and the rest. The request has as many as fit into its
 * bytes and into the request limit of each of them. The first is always in the request, at any length.
 */
export function packRequest<T extends Item>(
  waiting: readonly T[],
  { pathBytes, maxBytes }: RequestBounds,
): { readonly batch: readonly T[]; readonly rest: readonly T[] } {
  const batch: T[] = []
  const rest: T[] = []
  let bytes = pathBytes
  let limit = Number.POSITIVE_INFINITY
  for (const one of waiting) {
    const itsBytes = targetBytes(one.identifier)
    const itsLimit = Math.min(limit, one.requestLimit ?? Number.POSITIVE_INFINITY)
    const fits = batch.length < itsLimit && bytes + itsBytes <= maxBytes
    if (batch.length > 0 && !fits) rest.push(one)
    else {
      batch.push(one)
      bytes += itsBytes
      limit = itsLimit
    }
  }
  return { batch, rest }
}
