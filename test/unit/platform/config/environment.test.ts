import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UsageError } from '../../../../src/platform/errors.ts'
import { readEnvironment } from '../../../../src/platform/config/environment.ts'

let folder: string
const { env } = process
const before = process.cwd()
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-env-'))
  process.chdir(folder)
  process.env = { ...env }
})
afterEach(() => {
  process.chdir(before)
  process.env = env
  rmSync(folder, { recursive: true })
})

function write(content: string | Buffer) {
  writeFileSync('.env', content)
}

describe('.env', () => {
  it.each<[string, string | Buffer]>([
    ['a byte order mark', '\uFEFFLOG_LEVEL=warn\nHTTP_HOST=h\n'],
    ['UTF-16LE', Buffer.from('\uFEFFLOG_LEVEL=warn\nHTTP_HOST=h\n', 'utf16le')],
    ['UTF-16BE', Buffer.from('\uFEFFLOG_LEVEL=warn\nHTTP_HOST=h\n', 'utf16le').swap16()],
    ['the line breaks of Windows', 'LOG_LEVEL=warn\r\nHTTP_HOST=h\r\n'],
    ['no line break at the end', 'LOG_LEVEL=warn\nHTTP_HOST=h'],
    ['quotes', 'LOG_LEVEL="warn"\nHTTP_HOST=\'h\'\n'],
    ['export', 'export LOG_LEVEL=warn\n  export HTTP_HOST=h\n'],
    ['comments and blank lines', '# settings\nLOG_LEVEL=warn # or info\n\nHTTP_HOST="h" # host\n'],
    ['spaces', '  LOG_LEVEL = warn  \nHTTP_HOST =h\n'],
  ])('may have %s', (_, content) => {
    write(content)
    expect(readEnvironment().environment).toMatchObject({ LOG_LEVEL: 'warn', HTTP_HOST: 'h' })
  })

  it('keeps the special characters of a quoted value', () => {
    write('IDENTIFAI_API_KEY="a#b=c \'d"\n')
    expect(readEnvironment().environment).toMatchObject({ IDENTIFAI_API_KEY: "a#b=c 'd" })
  })

  it.each([
    ['HTTPS_PROXY', 'https_proxy'],
    ['no_proxy', 'NO_PROXY'],
  ])('has no %s where the environment has %s', (name, other) => {
    write(`${name}=of-the-file\n`)
    process.env[other] = 'of-the-environment'
    const { environment } = readEnvironment()
    expect([environment[name], environment[other]]).toEqual([undefined, 'of-the-environment'])
  })

  it('names the number of a line that has no effect, and not the line, which may be a secret', () => {
    write('# settings\nA="1\n2\n"\nIDENTIFAI_API_KEY: secret\n')
    expect(readEnvironment).toThrow(
      new UsageError(
        'Line 5 of .env has not the form NAME=value, so it would have no effect.',
        'Correct it, or write # before it.',
      ),
    )
  })

  it.each([
    ['DATABASE_URL=postgresql://u:p#x@h/d', true],
    ['DATABASE_URL = a# comment', true],
    ['A=#x', false],
    ['A=b # c=d#e', false],
    ["A='b#c' # d", false],
    ['A="b#c"', false],
    ['# A=b#c', false],
  ])('with the line %s is refused: %s, because a value without quotes ends at a #', (line, isRefused) => {
    write(`LOG_LEVEL=warn\n${line}\n`)
    const read = () => readEnvironment()
    if (isRefused) expect(read).toThrow(/^Line 2 of \.env has a # in a value without quotes/)
    else expect(read().environment).toMatchObject({ LOG_LEVEL: 'warn' })
  })

  it('yields to the environment also where one has a value, and the other its file', () => {
    write('DATABASE_URL_FILE=f\nIDENTIFAI_API_KEY=k\n')
    Object.assign(process.env, { DATABASE_URL: 'postgresql://h/x', IDENTIFAI_API_KEY_FILE: 'g' })
    const { environment } = readEnvironment()
    expect(environment).toMatchObject({ DATABASE_URL: 'postgresql://h/x', IDENTIFAI_API_KEY_FILE: 'g' })
    expect(environment).not.toHaveProperty('DATABASE_URL_FILE')
    expect(environment).not.toHaveProperty('IDENTIFAI_API_KEY')
  })

  it.each(['A="b', "A='b"])('with a quotation mark that is not closed is refused: %s', (line) => {
    write(`LOG_LEVEL=warn\n${line}\n`)
    expect(readEnvironment).toThrow(/^Line 2 of \.env has a quotation mark that is not closed\./)
  })

  it('yields to the environment, except where that is empty', () => {
    Object.assign(process.env, { LOG_LEVEL: 'error', HTTP_HOST: '' })
    write('LOG_LEVEL=warn\nHTTP_HOST=h\n')
    expect(readEnvironment().environment).toMatchObject({ LOG_LEVEL: 'error', HTTP_HOST: 'h' })
  })

  it('need not exist', () => {
    process.env.LOG_LEVEL = 'error'
    expect(readEnvironment().environment).toMatchObject({ LOG_LEVEL: 'error' })
  })
})
