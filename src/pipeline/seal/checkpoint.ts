/** The head of the chain at one size. */
export interface Head {
  /** Number of sealed runs. */
  readonly size: number
  readonly root: Buffer
}

/**
 * The text of a head that other tools read: a checkpoint (https://c2sp.org/tlog-checkpoint), without signatures.
 *
 * @param firstRunId The first sealed run. Its id names the chain, because no other one has it.
 */
export function checkpointText(firstRunId: string, { size, root }: Head): string {
  return `identifai-sync/${firstRunId}\n${size}\n${root.toString('base64')}\n`
}
