import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DatabaseError } from '../../../../src/platform/errors.ts'
import { readPassword } from '../../../../src/platform/postgres/password-file.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-passfile-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const CONNECTION = { host: 'db.example', port: '5432', database: 'x', user: 'u' }

function passwordIn(text: string, connection = CONNECTION, mode = 0o600) {
  const file = path.join(folder, 'passwords')
  rmSync(file, { force: true })
  writeFileSync(file, text, { mode })
  return readPassword(file, connection)
}

it.each([
  ['the line of the connection', 'db.example:5432:x:u:right\n', 'right'],
  ['the first line that fits', 'db.example:5432:x:u:right\n*:*:*:*:wrong\n', 'right'],
  [
    'a line after others',
    'other:5432:x:u:a\ndb.example:1:x:u:b\ndb.example:5432:y:u:c\n*:*:*:v:d\n*:*:*:*:right',
    'right',
  ],
  ['a line after a comment', '# passwords\n\n*:*:x:u:right\r\n', 'right'],
  ['a password with escaped characters', String.raw`*:*:*:*:r\:ig\\ht` + '\n', String.raw`r:ig\ht`],
])('finds %s', async (_, text, password) => {
  expect(await passwordIn(text)).toBe(password)
})

it('finds no password without a line that fits, without a field, and without a file', async () => {
  expect(await passwordIn('db.example:5432:x:v:wrong\ndb.example:5432:x\n')).toBeUndefined()
  expect(await readPassword(path.join(folder, 'missing'), CONNECTION)).toBeUndefined()
})

it('finds escaped characters of a name, and a local socket as localhost', async () => {
  expect(await passwordIn(String.raw`*:*:a\:b:*:right`, { ...CONNECTION, database: 'a:b' })).toBe('right')
  expect(await passwordIn('localhost:*:*:*:right', { ...CONNECTION, host: '/var/run/postgresql' })).toBe(
    'right',
  )
})

it('refuses a file that other users can read', async () => {
  await expect(passwordIn('*:*:*:*:secret', CONNECTION, 0o644)).rejects.toThrow(DatabaseError)
})
