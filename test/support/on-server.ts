import { Client } from 'pg'

/** Runs one statement outside a transaction, as CREATE and DROP DATABASE require. */
export async function onServer(connectionString: string, statement: string): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
