/** The address of a database on the server of another one. */
export function databaseOn(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = database
  return url.href
}
