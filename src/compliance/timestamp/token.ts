import { createHash } from 'node:crypto'
import type { Integer } from 'asn1js'
import {
  id_eContentType_TSTInfo,
  id_sha256,
  MessageImprint,
  PKIStatus,
  SignedData,
  TimeStampReq,
  TimeStampResp,
  TSTInfo,
} from 'pkijs'

/** A timestamp (RFC 3161): the statement of an authority, and its signature. */
export interface Timestamp {
  readonly info: TSTInfo
  readonly signedData: SignedData
}

/** Encodes the request for a timestamp of a checkpoint. The token is to have the certificates of the authority. */
export async function encodeQuery(checkpoint: string, nonce: Integer): Promise<Buffer> {
  const messageImprint = await MessageImprint.create('SHA-256', Buffer.from(checkpoint))
  const query = new TimeStampReq({ version: 1, messageImprint, nonce, certReq: true })
  return Buffer.from(query.toSchema().toBER())
}

/**
 * Decodes the reply of an authority.
 *
 * @throws Error when the authority refused the request, or the reply is no reply.
 */
export function decodeReply(reply: Buffer): Timestamp {
  const { status, timeStampToken } = TimeStampResp.fromBER(reply)
  if (timeStampToken === undefined || status.status > PKIStatus.grantedWithMods) {
    const reasons = status.statusStrings?.map((text) => text.valueBlock.value) ?? []
    throw new Error(
      `the authority granted no timestamp (${[PKIStatus[status.status], ...reasons].join(': ')})`,
    )
  }
  const signedData = new SignedData({ schema: timeStampToken.content })
  const { eContentType, eContent } = signedData.encapContentInfo
  if (eContentType !== id_eContentType_TSTInfo || eContent === undefined)
    throw new Error('the reply has no timestamp')
  return { info: TSTInfo.fromBER(eContent.getValue()), signedData }
}

/** Returns true for a timestamp of this checkpoint. */
export function isTimestampOf(checkpoint: string, { info }: Timestamp): boolean {
  const { hashAlgorithm, hashedMessage } = info.messageImprint
  const digest = createHash('sha256').update(checkpoint).digest()
  return hashAlgorithm.algorithmId === id_sha256 && digest.equals(hashedMessage.valueBlock.valueHexView)
}
