import { isLeaf, type LeafKind, type Line, leafOf, runOf } from './open-bundle.ts'

/** A forgery: its name, the change, and the finding of each of two verifiers. */
type Forgery = readonly [
  what: string,
  change: (lines: Line[], report: Line) => unknown,
  product: RegExp,
  python: RegExp,
]

/** Findings of the product. */
const follows = (what: string) =>
  new RegExp(
    `^${what.replaceAll('.', String.raw`\.`)}( \\(.+\\))? does not follow from the rest of the report$`,
  )
const alteredRun = (position: number) =>
  new RegExp(`^run at position ${position} does not belong to the head of the chain`)
const ALTERED_LEAF = /^revision 1 of classification \d+ does not belong to the root of its run/
const PERSONAL_VALUES =
  /^personal values of revision \d of classification \d+ do not match the commitment of an event/
const CHECKPOINT = /^the checkpoint is not the head of the chain that the report states$/
const OTHER_CHAIN = /^head [0-9a-f]{64} is not of the same chain as the report$/

/** Findings of the second verifier. Some of its proofs end with an exception where a part is lacking, or has another form. */
const SEALED_EVENT = /^event of \w+ is not as it was sealed/m
const DECISIONS = /^the decisions do not follow from the events and the notes/m
const SUMMARY = /^the summary does not count the listed events and decisions/m
const FORCED_NOW = /^the labels forced now are not as the last run sealed them/m
const LACKING = /^malformed, or lacks a proof: KeyError\(\(\d+, \d+\)\)/m
const MALFORMED = /^malformed, or lacks a proof: (ValueError|KeyError)/m

/** Moves a leaf behind the last run, and changes its line. */
function moveLeaf(all: Line[], kind: LeafKind, change: object) {
  const [line] = all.splice(all.findIndex(isLeaf(kind)), 1)
  Object.assign(line.leaf, change)
  all.splice(all.findIndex(({ run }) => run?.chain_position === 9) + 1, 0, line)
}

/**
 * Alterations of the bundle of integration/compliance/report/bundle/verify-bundle.test.ts. The digest of its report is made to
 * fit each of them.
 */
export const FORGERIES: readonly Forgery[] = [
  [
    'an event with another time',
    (_, r) => (r.events[0].not_after = '2026-01-01T00:00:00.000000Z'),
    follows('event 1'),
    SEALED_EVENT,
  ],
  [
    'an event with another lower bound',
    (_, r) => (r.events[0].not_before = '2020-01-01T00:00:00.000000Z'),
    follows('event 1'),
    SEALED_EVENT,
  ],
  [
    'an event of another identifier',
    (_, r) => (r.events[0].identifier = 'x'),
    follows('event 1'),
    SEALED_EVENT,
  ],
  [
    'an event with another label before',
    (_, r) => (r.events[0].forced_from = 'artificial'),
    follows('event 1'),
    /an event is not compared with the finished record before it/,
  ],
  [
    'an event with another confidence',
    (_, r) => (r.events[0].machine_confidence_after = 0.123),
    follows('event 1'),
    SEALED_EVENT,
  ],
  [
    'an event with another confidence before',
    (_, r) => (r.events[0].machine_confidence_before = 0.123),
    follows('event 1'),
    SEALED_EVENT,
  ],
  [
    'an event with another commitment',
    (_, r) => (r.events[0].personal_commitment = 'a'.repeat(64)),
    follows('event 1'),
    SEALED_EVENT,
  ],
  [
    'personal values with another name',
    (all) => (all[0].personal_values[0].name = 'x'),
    PERSONAL_VALUES,
    /^the personal values of .* were altered/m,
  ],
  [
    'personal values without their link',
    (all) => (all[0].personal_values[0].result_url = null),
    PERSONAL_VALUES,
    /^the personal values of .* were altered/m,
  ],
  [
    'personal values with another salt',
    (all) => (all[0].personal_values[0].salt = 'a'.repeat(64)),
    PERSONAL_VALUES,
    /^the personal values of .* were altered/m,
  ],
  [
    'personal values of another revision',
    (all) => (all[0].personal_values[0].revision_no = 1),
    PERSONAL_VALUES,
    /^the personal values of .* were altered/m,
  ],
  [
    'personal values of no event',
    (all) => all[0].personal_values.push({ ...all[0].personal_values[0], classification_id: 9999 }),
    PERSONAL_VALUES,
    /^the personal values of .* were altered/m,
  ],
  [
    'an event with another cause',
    (_, r) => (r.events[0].event = 'unforced'),
    /^the event at revision 2 of classification \d+ has no proof$/,
    SEALED_EVENT,
  ],
  [
    'an event with another origin',
    (_, r) => (r.events[0].force_origin = 'undetermined'),
    follows('event 1'),
    /^events .*have another kind, period, decision or origin/m,
  ],
  [
    'an event with another place in the period',
    (_, r) => (r.events[0].in_period = 'possibly'),
    follows('event 1'),
    /^events .*have another kind, period, decision or origin/m,
  ],
  ['an event in another run', (_, r) => (r.events[0].chain_position = 1), follows('event 1'), SEALED_EVENT],
  [
    'an event that is left out of the list, but not of the summary',
    (_, r) => r.events.pop(),
    follows('summary.period.events'),
    /^the report does not need/m,
  ],
  [
    'an event in another decision',
    (_, r) => (r.events[0].decision = 2),
    follows('event 1'),
    /^events .*have another kind, period, decision or origin/m,
  ],
  [
    'an event that is invented',
    (_, r) => r.events.push({ ...r.events[0], revision_no: 77 }),
    /^the event at revision 77 of classification \d+ has no proof$/,
    LACKING,
  ],
  [
    'a decision later than its events',
    (_, r) => (r.decisions[0].not_after = '2099-01-01T00:00:00.000000Z'),
    follows('decision 1'),
    DECISIONS,
  ],
  [
    'a note by another author',
    (_, r) => (r.decisions[0].notes[0].author = 'B'),
    follows('decision 1'),
    /^note 1 is not as it was sealed/m,
  ],
  [
    'a note with another reason',
    (_, r) => (r.decisions[0].notes[0].reason = 'no'),
    follows('decision 1'),
    /^note 1 is not as it was sealed/m,
  ],
  [
    'a note that is invented',
    (_, r) => r.decisions[0].notes.push({ ...r.decisions[0].notes[0], note_id: 9 }),
    /^note 9 has no proof$/,
    /KeyError\(\('note', 9\)\)/,
  ],
  [
    'a head that claims to be complete',
    (_, r) => (r.head.coverage.is_complete = !r.head.coverage.is_complete),
    follows('head.coverage.is_complete'),
    /^the report is not as complete as its head states/m,
  ],
  [
    'coverage with another count',
    (_, r) => (r.head.coverage.tracked = 1),
    follows('head.coverage.tracked'),
    /^the head of the report is not as the last run sealed it/m,
  ],
  [
    'coverage with another confirmation',
    (_, r) => (r.head.coverage.confirmed_since = '2026-01-01T00:00:00.000000Z'),
    follows('head.coverage.confirmed_since'),
    /^the head of the report is not as the last run sealed it/m,
  ],
  ['another as-of', (_, r) => (r.head.as_of.chain_position = 4), CHECKPOINT, MALFORMED],
  ['another chain head', (_, r) => (r.head.as_of.chain_head = 'a'.repeat(64)), CHECKPOINT, MALFORMED],
  [
    'a leaf with another force',
    (all) => (leafOf(all, 'revision_no').row.force_classification = 'artificial'),
    ALTERED_LEAF,
    /is not under the root of its run/,
  ],
  [
    'a note with another author in its leaf',
    (all) => (leafOf(all, 'note_id').row.author = 'B'),
    /^note 1 does not belong to the root of its run/,
    /^\('note', 1\) is not under the root of its run/m,
  ],
  [
    'a proof of another leaf',
    (all) => (leafOf(all, 'revision_no').leaf_no += 1),
    ALTERED_LEAF,
    /is not under the root of its run/,
  ],
  ['a proof that is cut short', (all) => leafOf(all, 'revision_no').proof.pop(), ALTERED_LEAF, MALFORMED],
  [
    'a tree of another size',
    (all) => (runOf(all, 2).row.leaf_count = 99),
    alteredRun(2),
    /^run 2 is not under the head/m,
  ],
  [
    'another checkpoint',
    (all) => (all[0].checkpoint = all[0].checkpoint.replace('\n9\n', '\n8\n')),
    CHECKPOINT,
    /^the checkpoint is another head/m,
  ],
  [
    'a checkpoint of another form',
    (all) => (all[0].checkpoint += 'x'),
    CHECKPOINT,
    /^the checkpoint is another head/m,
  ],
  ['a kept head at another size', (all) => (all.at(-2).kept.chain_position -= 1), OTHER_CHAIN, MALFORMED],
  ['a kept head without its proof', (all) => all.at(-2).kept.proof.pop(), OTHER_CHAIN, MALFORMED],
  [
    'another kept head',
    (all) => (all.at(-2).kept.chain_head = 'a'.repeat(64)),
    OTHER_CHAIN,
    /^head a{64} is of another chain/m,
  ],
  ['a proof of a run that is cut short', (all) => runOf(all, 2).proof.pop(), alteredRun(2), MALFORMED],
  [
    'a run of another place',
    (all) => (runOf(all, 2).chain_position = 1),
    /^run at position 1 is not in the order of the chain$/,
    /^run 1 is out of order/m,
  ],
  [
    'the run before a note left out',
    (all) =>
      all.splice(
        all.findIndex(({ run }) => run?.chain_position === 2),
        1,
      ),
    /^note 1 cannot be compared with the end of the run before its own/,
    /^\('note', 1\) has a time outside its run/m,
  ],
  [
    'a leaf that is left out',
    (all) => all.splice(all.findIndex(isLeaf('revision_no')), 1),
    /^the event at revision 2 of classification \d+ has no proof$/,
    LACKING,
  ],
  [
    'a note that is left out',
    (all) => all.splice(all.findIndex(isLeaf('note_id')), 1),
    /^note 1 has no proof$/,
    /KeyError\(\('note', 1\)\)/,
  ],
  [
    'a run with another row',
    (all) => (runOf(all, 2).row.force_changes = 0),
    alteredRun(2),
    /^run 2 is not under the head/m,
  ],
  [
    'a run with another root',
    (all) => (runOf(all, 5).row.merkle_root = 'a'.repeat(64)),
    alteredRun(5),
    /^run 5 is not under the head/m,
  ],
  [
    'a run with another position',
    (all) => (runOf(all, 9).chain_position = 10),
    alteredRun(10),
    /KeyError\(9\)/,
  ],
  [
    'a run that is left out',
    (all) =>
      all.splice(
        all.findIndex(({ run }) => run?.chain_position === 5),
        1,
      ),
    /^revision 2 of classification \d+ does not follow its run/,
    /is not under the root of its run/,
  ],
  [
    'the first run left out',
    (all) => all.splice(1, 1),
    /^the checkpoint does not have the name of the chain/,
    /KeyError\(1\)/,
  ],
  [
    'a line that is neither',
    (all) => all.push({}),
    /^line \d+ is neither a run, a leaf nor a kept head$/,
    MALFORMED,
  ],
  [
    'no report',
    (all) => (all[0].data = { events: [] }),
    /^data does not fit docs\/report\.schema\.json$/,
    /it has other keys than report_version/,
  ],
  [
    'a summary with another figure',
    (_, r) => (r.summary.period.unexplained = 9),
    follows('summary.period.unexplained'),
    SUMMARY,
  ],
  [
    'another number of labels that are forced now',
    (_, r) => (r.summary.now.forced -= 1),
    follows('summary.now.forced'),
    FORCED_NOW,
  ],
  [
    'another number of forced labels, and figures that follow from it',
    (_, { summary: { now } }) => {
      const [most] = now.machine_to_forced
      most.identifiers++
      now.forced++
      now.forced_share = now.forced / now.with_result
    },
    follows('summary.now.forced'),
    FORCED_NOW,
  ],
  [
    'forced labels of another run',
    (all) => (runOf(all, 9).row.forced_now[0].identifiers += 1),
    alteredRun(9),
    /KeyError\(9\)/,
  ],
  [
    'another share of forced labels',
    (_, r) => (r.summary.now.forced_share = 0.5),
    follows('summary.now.forced_share'),
    FORCED_NOW,
  ],
  [
    'more labels forced now than it sums up',
    (_, r) => (r.summary.now.machine_to_forced[0].identifiers += 1),
    follows('summary.now.machine_to_forced'),
    FORCED_NOW,
  ],
  [
    'fewer results than forced labels',
    (_, r) => (r.summary.now.with_result = 0),
    follows('summary.now.with_result'),
    FORCED_NOW,
  ],
  [
    'a decision that claims to be unexplained',
    (_, r) => (r.decisions[0].explanation = 'unexplained'),
    follows('decision 1'),
    DECISIONS,
  ],
  [
    'a decision that is late, and counted as late',
    (_, r) => {
      r.decisions[0].explanation = 'explained_late'
      r.summary.period.explained--
      r.summary.period.explained_late++
    },
    follows('decision 1'),
    DECISIONS,
  ],
  [
    'a summary without its weeks',
    (_, r) => (r.summary.period.by_week = []),
    follows('summary.period.by_week'),
    SUMMARY,
  ],
  [
    'a decision that is split in two',
    (_, r) => r.decisions.push({ ...r.decisions[0], decision: 5 }),
    follows('decision 6'),
    DECISIONS,
  ],
  [
    'a note that counts for another decision',
    (_, r) => r.decisions[0].notes.shift(),
    follows('decision 1'),
    /^note 1 is not as it was sealed, or not listed/m,
  ],
  [
    'a correction that is not listed',
    (_, r) => r.decisions[0].notes.pop(),
    follows('decision 1'),
    /^note 3 is not as it was sealed, or not listed/m,
  ],
  [
    'a correction of no note',
    (_, r) => (r.decisions[0].notes[1].corrects = null),
    follows('decision 1'),
    /^note 3 is not as it was sealed, or not listed/m,
  ],
  [
    'another time zone',
    (_, r) => (r.head.period.time_zone = 'Mars/Olympus'),
    /^head\.period\.time_zone is not the name of a time zone/,
    /No time zone found with key Mars/,
  ],
  [
    'another title',
    (_, r) => (r.head.title = 'Forced by a person'),
    follows('head.title'),
    /^the sentences are not those of this version/m,
  ],
  [
    'a leaf moved under another run',
    (all) => moveLeaf(all, 'revision_no', {}),
    /^revision 1 of classification \d+ does not follow its run in the order of the leaves$/,
    /^leaf \d+ is out of order/m,
  ],
  [
    'a note moved under another run',
    (all) => moveLeaf(all, 'note_id', {}),
    /^note 1 does not follow its run in the order of the leaves$/,
    /^leaf \d+ is out of order/m,
  ],
  [
    'a leaf moved to another run',
    (all) => moveLeaf(all, 'revision_no', { chain_position: 9 }),
    ALTERED_LEAF,
    /is not under the root of its run/,
  ],
]
