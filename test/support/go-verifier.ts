import { execFile, execFileSync, spawnSync } from 'node:child_process'
import { createHash, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const SOURCE = path.resolve(import.meta.dirname, '../fixtures/go-verifier')

/** True where Go is installed, and its library can be downloaded or was. */
export const HAS_GO = spawnSync('go', ['mod', 'download'], { cwd: SOURCE }).status === 0
if (!HAS_GO)
  console.warn(
    'NOT CHECKED: proofs by the library of the checksum database of Go, because there is no Go on this machine.',
  )

export interface GoVerifier extends Disposable {
  /** Checks the signature of the checkpoint of a bundle, and all of its proofs. */
  verify(bundle: string, key: string): { readonly code: number | null; readonly output: string }
}

export function buildGoVerifier(): GoVerifier {
  const { program, folder } = build(SOURCE)
  return {
    verify: (input, key) => {
      const { status, stdout, stderr } = spawnSync(program, [key], { input, encoding: 'utf8' })
      return { code: status, output: `${stdout}${stderr}` }
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

const BUNDLE_VERIFIER = path.resolve(import.meta.dirname, '../fixtures/bundle-verifier')

/** True where the verifier of bundles can be built, which needs nothing but Go. */
export const CAN_BUILD_GO = spawnSync('go', ['version']).status === 0
if (!CAN_BUILD_GO)
  console.warn('NOT CHECKED: the verifier of bundles in Go, because there is no Go on this machine.')

/** Builds the verifier of bundles in Go, which was written from docs/bundle.md alone. */
export function buildBundleVerifier() {
  const { program, folder } = build(BUNDLE_VERIFIER)
  return {
    /** Its exit code and output. */
    verify: (...args: readonly string[]) =>
      new Promise<{ readonly code: unknown; readonly output: string }>((resolve) => {
        execFile(program, args, (error, stdout, stderr) =>
          resolve({ code: error?.code ?? 0, output: stdout + stderr }),
        )
      }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

function build(source: string): { readonly program: string; readonly folder: string } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai go '))
  const program = path.join(folder, 'verify')
  execFileSync('go', ['build', '-o', program], { cwd: source })
  return { program, folder }
}

/** A key as Go takes it (https://pkg.go.dev/golang.org/x/mod/sumdb/note): the name, the hash and the key of type 1. */
export function verifierKey(name: string, publicKey: KeyObject): string {
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  const key = Buffer.concat([Buffer.from([1]), spki.subarray(-32)])
  const hash = createHash('sha256').update(`${name}\n`).update(key).digest('hex').slice(0, 8)
  return `${name}+${hash}+${key.toString('base64')}`
}
