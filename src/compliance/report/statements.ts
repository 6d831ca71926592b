import type { Statement } from './report.ts'

/** How a report is to be read. Part of its digest: another wording is another REPORT_VERSION. */
export const STATEMENTS: readonly Statement[] = [
  {
    topic: 'What forced means',
    statement:
      "identifAI reports a forced classification for an identifier: a label that counts in place of the machine's. An override is addressed by the hash of a file and applies to every submission of that file. A label can be forced by a user of the account, by a tool that calls the API, or, to artificial, by a C2PA signature that was found when the file was submitted. The API says neither which, nor when, nor by whom, and keeps no history. This report says that a label was forced, and never by a person.",
  },
  {
    topic: 'Where a force can have come from',
    statement:
      'force_origin is not_c2pa_path where the label was forced to human, or was forced after a finished answer that was not: the documented C2PA path does neither. Otherwise it is undetermined.',
  },
  {
    topic: 'How an interval is to be read',
    statement:
      'not_before is when the last request left whose answer still had the former label; not_after is when the first answer with the new one had been received; both by the clock of the database. The change happened between the two. A change that was undone between two requests cannot be seen.',
  },
  {
    topic: 'What lies in the period',
    statement:
      'The period includes its start and excludes its end. An event or a decision lies in it certainly when its whole interval does, and possibly when the interval reaches over an edge of the period; then it is possibly in the next report, too.',
  },
  {
    topic: 'What a decision is',
    statement:
      'Events of one file and one label whose intervals have a moment in common count as one decision; its interval is what they have in common. Nothing tells two overrides apart that brought the same label at the same time.',
  },
  {
    topic: 'What was found forced',
    statement:
      'An identifier that was forced already in its first finished answer is already_forced. Nobody saw it happen, so it is no event of any period; it counts among those forced now.',
  },
  {
    topic: 'Whose confidence it is',
    statement: "A machine confidence is the machine's confidence in its own label. A forced label has none.",
  },
  {
    topic: 'What notes are',
    statement:
      'Who decided, and why, is what the organization itself has noted. A note counts for the latest decision of its file and label that may have happened before it was written. A decision is explained late when its first note was written more than seven days after not_after.',
  },
]
