/** A row of each table that tracks no identifier and no revision, and whose key comes from a sequence. */
export const EVIDENCE_INSERTS = [
  "override_notes (file_hash, forced_to, author, reason) values ('h', 'human', 'a', 'r')",
  "actions (kind, identifiers) values ('retire', 1)",
  `quarantined_payloads (media, identifier, run_id, requested_at, received_at, reason, issues)
    values ('audio', 'a', gen_random_uuid(), now(), now(), 'unstorable', '[]')`,
].map((row) => `insert into identifai.${row}`)
