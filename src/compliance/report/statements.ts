import type { Report } from './schema.ts'

/** How to read a report. The digest covers these sentences: another wording needs another REPORT_VERSION. */
export const STATEMENTS: Report['head']['statements'] = Object.entries({
  'What forced means':
    "identifAI reports a forced classification for an identifier: a label that counts in place of the machine's. An override is addressed by the hash of a file and applies to every submission of that file. A label can be forced by a user of the account, by a tool that calls the API, or, to artificial, by a C2PA signature that was found when the file was submitted. The API returns neither which of these it was, nor when, nor by whom, and keeps no history. This report states that a label was forced. It never states that a person forced it.",
  'Where a force can have come from':
    'force_origin is not_c2pa_path where the label was forced to human, or was forced after a finished record that was not forced: the documented C2PA path does neither. Otherwise it is undetermined.',
  'How to read an interval':
    'not_before is when the last request left whose response still had the former label. not_after is when the first response with the new label had been received. Both are by the clock of the database. The change happened between the two. A change that was undone between two requests cannot be observed.',
  'What lies in the period':
    'The period includes its start and excludes its end. An event or a decision lies in it certainly when its whole interval does, and possibly when the interval reaches over an edge of the period. In the second case it is possibly in the report on the adjoining period, too.',
  'What a decision is':
    'Events of one file and one label whose intervals have a moment in common count as one decision. Its interval is the part that they have in common. Two overrides to the same label at the same time cannot be distinguished.',
  'What was already forced':
    'An identifier that was forced already in its first finished record is already_forced. The change was not observed, so it is no event of any period. It counts among those forced now.',
  'Whose confidence it is':
    "A machine confidence is the machine's confidence in its own label. A forced label has none.",
  'What notes are':
    'Notes state who decided, and why; the organization itself writes them. A note counts for the latest decision of its file and label that may have happened before it was written. A decision is explained late when its first note was written more than seven days after not_after.',
}).map(([topic, statement]) => ({ topic, statement }))
