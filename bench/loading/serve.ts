/**
 * The API of the benchmark, in a process of its own. Bodies are prepared, so that the benchmark does not measure the API.
 * Prints its address on standard output. Another edition has other scores.
 *
 * node bench/loading/serve.ts <clips> <edition>
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { recordOf } from './record.ts'

/** Records that differ in more than identifier and hash. */
const VARIANTS = 64
const [IDENTIFIER, HASH] = ['@identifier@', '@hash@']

const [clips, edition] = process.argv.slice(2).map(Number) as [number, number]

const bodies = Array.from({ length: VARIANTS }, (_, number) => {
  const variant = edition * VARIANTS + number
  const text = JSON.stringify(recordOf(IDENTIFIER, { hash: HASH, variant, clips }))
  return text.split(new RegExp(`${IDENTIFIER}|${HASH}`))
})

const server = createServer((request, response) => {
  const identifiers = new URL(request.url ?? '/', 'http://host').searchParams.getAll('identifiers[]')
  response.setHeader('content-type', 'application/json')
  response.end(`[${identifiers.map(recordText).join(',')}]`)
})
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api`)
})

/** The record of an identifier. Each has a file of its own, so that no file is shared. */
function recordText(identifier: string): string {
  const [start, middle, end] = bodies[Number.parseInt(identifier.slice(0, 4), 16) % VARIANTS] as string[]
  return `${start}${identifier.slice(32)}${identifier.slice(0, 32)}${middle}${identifier}${end}`
}
