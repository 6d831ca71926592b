import { execFileSync, spawnSync } from 'node:child_process'
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
  verify(bundle: string, verifierKey: string): { readonly code: number | null; readonly output: string }
}

export function buildGoVerifier(): GoVerifier {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai go '))
  const program = path.join(folder, 'verify')
  execFileSync('go', ['build', '-o', program], { cwd: SOURCE })
  return {
    verify: (input, verifierKey) => {
      const { status, stdout, stderr } = spawnSync(program, [verifierKey], { input, encoding: 'utf8' })
      return { code: status, output: `${stdout}${stderr}` }
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}
