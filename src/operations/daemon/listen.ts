import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { UsageError } from '../../platform/errors.ts'

/** The address of a server, and the first part of the names of the variables that configure it. */
interface Address {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly variables: 'HTTP' | 'STATUS'
}

/** Starts to listen, and returns the origin. Throws a UsageError when that is not possible. */
export async function listen(server: FastifyInstance, { host, port, variables }: Address) {
  await server.listen({ host, port }).catch((error: NodeJS.ErrnoException) => {
    throw explain(error, `${host}:${port}`, variables)
  })
  const bound = server.server.address() as AddressInfo
  const origin = `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`
  return { origin, [Symbol.asyncDispose]: () => server.close() }
}

function explain(
  { code, message }: NodeJS.ErrnoException,
  address: string,
  variables: Address['variables'],
): UsageError {
  if (code === 'EADDRINUSE') {
    return new UsageError(
      `Cannot listen on ${address}, because another process uses this port.`,
      `Set another ${variables}_PORT, or 0 for a free one.`,
    )
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new UsageError(
      `Cannot listen on ${address}, because this machine has no such address.`,
      `Correct ${variables}_HOST.`,
    )
  }
  if (code === 'EACCES') {
    return new UsageError(
      `Cannot listen on ${address}, because this user has no permission.`,
      `Set ${variables}_PORT to 1024 or higher.`,
    )
  }
  return new UsageError(
    `Cannot listen on ${address} (${message}).`,
    `Check ${variables}_HOST and ${variables}_PORT.`,
  )
}
