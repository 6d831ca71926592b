import type { Report } from './schema.ts'

/** How to read a report. The digest covers these sentences: another wording needs another REPORT_VERSION. */
export const STATEMENTS: Report['head']['statements'] = Object.entries({
  'Meaning of forced':
    "identifAI reports a forced label for an identifier. It counts in place of the machine's label. An override is addressed to the hash of a file, and applies to every submission of that file. A label can be forced by a user of the account or by a tool that calls the API. It can also be forced to artificial by a C2PA signature that is found when the file is submitted. The API returns neither the origin nor the time nor the author of a forced label, and it keeps no history. This report states that a label was forced. It never states that a person forced it.",
  'Origin of a forced label':
    'The origin is not_c2pa_path when a C2PA signature cannot be the cause. There are two such cases. The label was forced to human, but a C2PA signature forces only to artificial. Or the label was forced after a finished record without a forced label, but a C2PA signature takes effect at the submission. In all other cases, the origin is undetermined.',
  'Interval of a change':
    'The change happened between “not before” and “not after”. “Not before” is the time of the last request whose response still had the former label. “Not after” is the time at which the first response with the new label had been received. Both are times of the database clock. A change that was undone between two requests cannot be observed.',
  'Events and decisions in the period':
    'The period includes its start and excludes its end. An event or a decision is certainly in the period when its whole interval is. It is possibly in the period when its interval crosses the start or the end. It can then be possibly in the report on the adjoining period, too.',
  'States of identifiers':
    'Finished means done or errored: the analysis ended with a result, or it failed. Pending means that it has not finished. Missing means that the API no longer returns the identifier. Quarantined means that its record could not be loaded. Retired means that it is no longer requested, with a reason.',
  Decisions:
    'Events of one file and one label count as one decision when their intervals have a moment in common. The interval of the decision is this common part. Two overrides of one file to the same label at the same time cannot be distinguished.',
  'Already forced':
    'A label is already forced when the first finished record of its identifier was forced. The change was not observed, so it is not an event of any period. The period counts those whose first finished record was received in it. All of them count among those that are forced now, if they still are.',
  'Machine confidence':
    "The machine's confidence applies to the machine's own label. A forced label has no confidence.",
  Notes:
    'Notes are statements of the organization itself about who decided, and why. A note counts for the latest decision of its file and label that may have happened before the note was written. A decision is explained late when its first note was written more than seven days after the end of the interval.',
}).map(([topic, statement]) => ({ topic, statement }))
